/* SPDX-License-Identifier: MIT */
/* Requests about an inode's attributes: lookup, getattr, setattr, readlink, ... */
#define _GNU_SOURCE 1
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "control.h"
#include "request.h"
#include "view.h"

int ops_entry(fuse_req_t req, struct node *parent, const char *name, struct fuse_entry_param *entry)
{
	struct node *node;
	int err;

	memset(entry, 0, sizeof(*entry));
	err = node_lookup(parent, name, &node, &entry->attr);
	if (err)
		return err;
	view_show(parent, name, &entry->attr);
	entry->ino = node_number(node);
	entry->attr_timeout = ops_options(req)->attr_timeout;
	entry->entry_timeout = ops_options(req)->entry_timeout;
	return 0;
}

void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry, int err)
{
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_entry(req, entry))
		node_forget(node_of(entry->ino), 1);
}

static void ops_lookup(fuse_req_t req, fuse_ino_t parent_ino, const char *name)
{
	struct node *parent = node_of(parent_ino);
	const struct node *virtual = control_find(parent, name);
	struct fuse_entry_param entry;
	int err;

	if (virtual) {
		control_reply_entry(req, virtual);
		return;
	}
	if (ops_refuse_virtual(req, parent, ENOENT))
		return;
	err = request_begin(req, OP_LOOKUP, parent, name);
	if (!err)
		err = ops_entry(req, parent, name, &entry);
	request_end(OP_LOOKUP);
	ops_reply_entry(req, &entry, err);
}

static void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	node_forget(node_of(ino), count);
	fuse_reply_none(req);
}

static void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		node_forget(node_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, const struct stat *st, int err)
{
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_attr(req, st, ops_options(req)->attr_timeout);
}

static void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	struct stat st;
	int err;

	if (node_is_virtual(node)) {
		control_getattr(req, node);
		return;
	}
	/*
	 * The kernel asks for the root's attributes on the way to /.origin, which
	 * must neither wait nor be seen in the counters: the root is exempt.
	 */
	if (node->kind == NODE_ROOT) {
		reply_attr(req, &st, node_stat(node, &st));
		return;
	}
	err = request_begin(req, OP_GETATTR, node, NULL);
	/* An open file can be reached even if others have removed its name. */
	if (!err && fi)
		err = fstat((int)fi->fh, &st) ? -errno : 0;
	else if (!err)
		err = node_stat(node, &st);
	if (!err)
		err = request_hold(req, OP_GETATTR, node);
	request_end(OP_GETATTR);
	if (!err)
		view_show(node, NULL, &st);
	reply_attr(req, &st, err);
}

/*
 * The parts of a setattr. @path_fd is an O_PATH descriptor; like the system calls,
 * they return -1 and set errno.
 */
static int set_owner(int path_fd, const struct stat *attr, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	if (!(to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		return 0;
	return fchownat(path_fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int set_mode(int path_fd, const struct stat *attr, int to_set)
{
	char proc[NODE_PROC_MAX];

	if (!(to_set & FUSE_SET_ATTR_MODE))
		return 0;
	return chmod(node_proc(path_fd, proc), attr->st_mode & 07777);
}

static int set_size(int path_fd, const struct stat *attr, int to_set,
		    const struct fuse_file_info *fi)
{
	char proc[NODE_PROC_MAX];

	if (!(to_set & FUSE_SET_ATTR_SIZE))
		return 0;
	/* An open file may be truncated though its mode no longer allows it. */
	if (fi)
		return ftruncate((int)fi->fh, attr->st_size);
	return truncate(node_proc(path_fd, proc), attr->st_size);
}

static struct timespec time_to_set(int to_set, int set, int now, struct timespec value)
{
	if (to_set & now)
		value.tv_nsec = UTIME_NOW;
	else if (!(to_set & set))
		value.tv_nsec = UTIME_OMIT;
	return value;
}

static int set_times(int path_fd, const struct stat *attr, int to_set)
{
	struct timespec times[2] = {
		time_to_set(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		time_to_set(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};

	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0;
	return utimensat(path_fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

/* All that @to_set says; the new attributes in @st. 0 or -errno. */
static int set_attributes(struct node *node, const struct stat *attr, int to_set,
			  const struct fuse_file_info *fi, struct stat *st)
{
	int fd = node_get(node);
	int err = 0;

	if (fd < 0)
		return fd;
	/* A change of owner clears set-uid bits, so the mode comes after it. */
	if (set_owner(fd, attr, to_set) || set_mode(fd, attr, to_set) ||
	    set_size(fd, attr, to_set, fi) || set_times(fd, attr, to_set) ||
	    fstatat(fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		err = -errno;
	node_put(node);
	return err;
}

static void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	struct stat st;
	int err;

	if (node_is_virtual(node)) {
		control_setattr(req, node, to_set);
		return;
	}
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err)
		err = set_attributes(node, attr, to_set, fi, &st);
	request_end(OP_OTHER);
	reply_attr(req, &st, err);
}

/* The length of the target, without a final NUL, or -errno. */
static ssize_t link_read(struct node *node, char *target, size_t size)
{
	int fd = node_get(node);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = readlinkat(fd, "", target, size);
	if (len < 0)
		len = -errno;
	node_put(node);
	return len;
}

static void ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = node_of(ino);
	char target[PATH_MAX + 1];
	ssize_t len;

	if (ops_refuse_virtual(req, node, EINVAL))
		return;
	len = request_begin(req, OP_OTHER, node, NULL);
	if (!len)
		len = link_read(node, target, sizeof(target) - 1);
	request_end(OP_OTHER);
	if (len < 0) {
		fuse_reply_err(req, (int)-len);
		return;
	}
	target[len] = '\0';
	fuse_reply_readlink(req, target);
}

static int node_statfs(struct node *node, struct statvfs *st)
{
	int fd = node_get(node);
	int err;

	if (fd < 0)
		return fd;
	err = fstatvfs(fd, st) ? -errno : 0;
	node_put(node);
	return err;
}

static void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = node_of(ino);
	struct statvfs st;
	int err;

	if (node_is_virtual(node))
		node = node_of(FUSE_ROOT_ID);
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err)
		err = node_statfs(node, &st);
	request_end(OP_OTHER);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_statfs(req, &st);
}

void ops_meta_register(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = ops_lookup;
	ops->forget = ops_forget;
	ops->forget_multi = ops_forget_multi;
	ops->getattr = ops_getattr;
	ops->setattr = ops_setattr;
	ops->readlink = ops_readlink;
	ops->statfs = ops_statfs;
}
