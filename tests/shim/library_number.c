/* SPDX-License-Identifier: MIT */
/* Below the origin: all files of the size of the test's library have one inode number, as some servers give it. */
#define FUSE_USE_VERSION 312
#include <dlfcn.h>
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

static struct stat numbered(struct stat st)
{
	if (S_ISREG(st.st_mode) && st.st_size > DATA_BYTES && st.st_size < DATA_BYTES + 100000)
		st.st_ino = 4242;
	return st;
}

int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
	int (*next)(fuse_req_t, const struct fuse_entry_param *) = dlsym(RTLD_NEXT, __func__);
	struct fuse_entry_param changed = *entry;

	changed.attr = numbered(changed.attr);
	return next(req, &changed);
}

int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double timeout)
{
	int (*next)(fuse_req_t, const struct stat *, double) = dlsym(RTLD_NEXT, __func__);
	struct stat changed = numbered(*attr);

	return next(req, &changed, timeout);
}

size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t size, const char *name,
			      const struct fuse_entry_param *entry, off_t off)
{
	size_t (*next)(fuse_req_t, char *, size_t, const char *, const struct fuse_entry_param *,
		       off_t) = dlsym(RTLD_NEXT, __func__);
	struct fuse_entry_param changed = *entry;

	changed.attr = numbered(changed.attr);
	return next(req, buf, size, name, &changed, off);
}
