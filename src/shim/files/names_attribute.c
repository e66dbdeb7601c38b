/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes that a file does not have: ls -l asks for two of each file. A remembered answer is
 * believed while the file has the same ctime, which changes with its attributes.
 */
#include "shim/libc/symbols.h"

#include "shim/files/names.h"
#include "shim/files/names_look.h"

#include <stdio.h>

#include "base/fdpath.h"
#include "base/guard.h"
#include "base/stats.h"

#include "shim/libc/thread.h"

/* keeps a file's attributes apart from names in a directory */
#define ATTRIBUTE_SALT UINT64_C(0xa5a5617474726962)

/* Some servers have no ctime and return the mtime instead, which does not change with attributes. */
static bool ctime_seems_real(const struct statx *stx)
{
	return stx->stx_ctime.tv_sec != stx->stx_mtime.tv_sec ||
	       stx->stx_ctime.tv_nsec != stx->stx_mtime.tv_nsec;
}

/* Look at the file by the program's path; with `names` NULL, returns whether it is unchanged. */
static bool attribute_look(const struct names_attribute *attribute, const char *path, int flags,
			   struct rawcache_names *names)
{
	struct rawcache_names now;
	struct statx stx;

	if (sys_statx(AT_FDCWD, path, flags | AT_STATX_SYNC_AS_STAT, DIR_MASK, &stx) ||
	    (stx.stx_mask & DIR_MASK) != DIR_MASK || !ctime_seems_real(&stx) ||
	    S_ISLNK(stx.stx_mode) ||
	    !rawcache_names_look(attach_cache_now(), &stx, attribute->who.hash ^ ATTRIBUTE_SALT,
				 &now))
		return false;
	if (!names)
		return rawcache_names_same(&attribute->names, &now);
	*names = now;
	return true;
}

/* Whether the file lies in a configured directory, on a mount whose times can be trusted. */
static bool place_look(const struct names_attribute *attribute, const char *path)
{
	struct look look = { .dir = AT_FDCWD, .who = attribute->who, .buf = pathbuf_get() };
	bool inside;

	inside = look.buf && names_path_copy(look.buf, path) &&
		 names_path_may_matter(look.buf->path) && names_look_split(&look) &&
		 names_look_at(&look, &look.names);
	if (look.buf)
		pathbuf_put(look.buf);
	return inside;
}

static bool name_copy(struct names_attribute *attribute, const char *name)
{
	for (size_t i = 0; i < sizeof(attribute->name); i++) {
		if (guard_copy(attribute->name + i, name + i, 1))
			return false;
		attribute->length = i;
		if (!attribute->name[i])
			return i;
	}
	return false;
}

static bool attribute_ask(struct names_attribute *attribute, const char *path, int flags,
			  const char *name)
{
	/*
	 * The kernel may have the ctime of before a change if it was on its way then, and nothing else tells of
	 * an attribute that somebody has set: only where the user asks for it.
	 */
	if (attach_config.names == CONFIG_AUTO || !who_now(&attribute->who) ||
	    !name_copy(attribute, name) || !place_look(attribute, path) ||
	    !attribute_look(attribute, path, flags, &attribute->names) || !attribute->names.settled)
		return false;
	attribute->asked = true;
	return rawcache_name_find(attach_cache_now(), &attribute->names, attribute->name,
				  attribute->length) == RAWCACHE_NAME_ABSENT;
}

bool names_attribute_slow(struct names_attribute *attribute, const char *path, int flags,
			  const char *name)
{
	bool absent;

	if (!load_relaxed(&attach_active) || thread_is_foreign() || !thread_enter())
		return false;
	absent = attribute_ask(attribute, path, flags, name);
	thread_leave();
	if (!absent)
		return false;
	stats_add(names_hits, 1);
	errno = ENODATA;
	return true;
}

/* Whether the file of `fd` is the one that was looked at, and has no such attribute. */
static bool pinned_absent(int fd, const struct names_attribute *attribute)
{
	char self[FDPATH_BYTES];

	fdpath(self, fd);
	return attribute_look(attribute, self, 0, NULL) &&
	       SYS_CALL(__NR_getxattr, self, attribute->name, NULL, 0, 0, 0) == -ENODATA &&
	       attribute_look(attribute, self, 0, NULL);
}

/* Ask once more, of the file itself: the path may have led to another file when the program asked. */
void names_attribute_learn(const struct names_attribute *attribute, const char *path, int flags)
{
	int follow = flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
	struct pathbuf *buf;
	int saved = errno;
	int fd = -1;

	if (!thread_enter())
		return;
	buf = pathbuf_get();
	if (buf && names_path_copy(buf, path))
		fd = sys_openat(AT_FDCWD, buf->path, O_PATH | O_CLOEXEC | follow, 0);
	if (fd >= 0 && pinned_absent(fd, attribute) && who_same(&attribute->who))
		rawcache_name_learn(attach_cache_now(), &attribute->names, attribute->name,
				    attribute->length);
	if (fd >= 0)
		sys_close(fd);
	if (buf)
		pathbuf_put(buf);
	thread_leave();
	errno = saved;
}
