/* SPDX-License-Identifier: MIT */
/* Requests that make, move and remove names: mkdir, link, rename, unlink, ... */
#define _GNU_SOURCE 1
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "request.h"

/* What is to be made, in the arguments of the various requests. */
struct making {
	const char *name;
	mode_t mode;
	dev_t rdev;
	const char *target; /* of a symbolic link */
	struct node *node;  /* the inode to link to */
};

/* /.origin and what is in it can be neither made nor removed. */
static bool refuse_guarded(fuse_req_t req, struct node *parent, const char *name)
{
	if (!control_guards(parent, name))
		return false;
	fuse_reply_err(req, EPERM);
	return true;
}

/* The makers: 0 or -errno, with @dir_fd for the parent. */

static int make_node(int dir_fd, const struct making *m)
{
	return mknodat(dir_fd, m->name, m->mode, m->rdev) ? -errno : 0;
}

static int make_directory(int dir_fd, const struct making *m)
{
	return mkdirat(dir_fd, m->name, m->mode) ? -errno : 0;
}

static int make_symlink(int dir_fd, const struct making *m)
{
	return symlinkat(m->target, dir_fd, m->name) ? -errno : 0;
}

static int make_link(int dir_fd, const struct making *m)
{
	char proc[NODE_PROC_MAX];
	int fd = node_get(m->node);
	int err = 0;

	if (fd < 0)
		return fd;
	/* AT_EMPTY_PATH would need a capability here; this way does not. */
	if (linkat(AT_FDCWD, node_proc(fd, proc), dir_fd, m->name, AT_SYMLINK_FOLLOW))
		err = -errno;
	node_put(m->node);
	return err;
}

static int make_as_caller(fuse_req_t req, struct node *parent, const struct making *m,
			  int (*make)(int dir_fd, const struct making *m))
{
	int dir_fd = node_get(parent);
	int err;

	if (dir_fd < 0)
		return dir_fd;
	request_become_caller(req);
	err = make(dir_fd, m);
	request_become_self();
	node_put(parent);
	return err;
}

/* Serves a request that makes a name. */
static void serve_make(fuse_req_t req, struct node *parent, const struct making *m,
		       int (*make)(int dir_fd, const struct making *m))
{
	struct fuse_entry_param entry;
	int err;

	if (refuse_guarded(req, parent, m->name))
		return;
	err = request_begin(req, OP_OTHER, parent, m->name);
	if (!err)
		err = make_as_caller(req, parent, m, make);
	if (!err)
		err = ops_entry(req, parent, m->name, &entry);
	request_end(OP_OTHER);
	ops_reply_entry(req, &entry, err);
}

static void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct making m = { .name = name, .mode = mode, .rdev = rdev };

	serve_make(req, node_of(parent), &m, make_node);
}

static void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct making m = { .name = name, .mode = mode };

	serve_make(req, node_of(parent), &m, make_directory);
}

static void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct making m = { .name = name, .target = target };

	serve_make(req, node_of(parent), &m, make_symlink);
}

static void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct making m = { .name = name, .node = node_of(ino) };

	if (!ops_refuse_virtual(req, m.node, EPERM))
		serve_make(req, node_of(parent), &m, make_link);
}

static int name_remove(struct node *parent, const char *name, int flags)
{
	struct node *kept;
	int err, dir_fd = node_get(parent);

	if (dir_fd < 0)
		return dir_fd;
	kept = node_keep(parent, name);
	err = unlinkat(dir_fd, name, flags) ? -errno : 0;
	if (err)
		node_kept_stays(kept);
	else
		node_kept_removed(kept, parent, name);
	node_put(parent);
	return err;
}

static void serve_remove(fuse_req_t req, struct node *parent, const char *name, int flags)
{
	int err;

	if (refuse_guarded(req, parent, name))
		return;
	err = request_begin(req, OP_OTHER, parent, name);
	if (!err)
		err = name_remove(parent, name, flags);
	request_reply(req, OP_OTHER, err);
}

static void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	serve_remove(req, node_of(parent), name, 0);
}

static void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	serve_remove(req, node_of(parent), name, AT_REMOVEDIR);
}

/* A directory and a name in it, and what is there. */
struct place {
	struct node *dir;
	const char *name;
	struct node *kept;
};

/* Moves @from to @to on disk, then in the nodes. */
static int move(struct place *from, int from_fd, struct place *to, int to_fd, unsigned int flags)
{
	int err;

	from->kept = node_keep(from->dir, from->name);
	to->kept = node_keep(to->dir, to->name);
	err = renameat2(from_fd, from->name, to_fd, to->name, flags) ? -errno : 0;
	if (err) {
		node_kept_stays(from->kept);
		node_kept_stays(to->kept);
		return err;
	}
	if (flags & RENAME_EXCHANGE)
		node_kept_moved(to->kept, from->dir, from->name);
	else
		node_kept_removed(to->kept, to->dir, to->name);
	node_kept_moved(from->kept, to->dir, to->name);
	return 0;
}

static int name_rename(struct place *from, struct place *to, unsigned int flags)
{
	int to_fd, from_fd = node_get(from->dir);
	int err;

	if (from_fd < 0)
		return from_fd;
	to_fd = node_get(to->dir);
	err = to_fd < 0 ? to_fd : move(from, from_fd, to, to_fd, flags);
	if (to_fd >= 0)
		node_put(to->dir);
	node_put(from->dir);
	return err;
}

static void ops_rename(fuse_req_t req, fuse_ino_t from_ino, const char *from_name,
		       fuse_ino_t to_ino, const char *to_name, unsigned int flags)
{
	struct place from = { .dir = node_of(from_ino), .name = from_name };
	struct place to = { .dir = node_of(to_ino), .name = to_name };
	int err;

	if (refuse_guarded(req, from.dir, from_name) || refuse_guarded(req, to.dir, to_name))
		return;
	err = request_begin(req, OP_OTHER, from.dir, from_name);
	if (!err)
		err = name_rename(&from, &to, flags);
	request_reply(req, OP_OTHER, err);
}

void ops_name_register(struct fuse_lowlevel_ops *ops)
{
	ops->mknod = ops_mknod;
	ops->mkdir = ops_mkdir;
	ops->symlink = ops_symlink;
	ops->link = ops_link;
	ops->unlink = ops_unlink;
	ops->rmdir = ops_rmdir;
	ops->rename = ops_rename;
}
