/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes.
 *
 * There are no calls for them that take an O_PATH descriptor before Linux 6.13, so
 * they go by the path in /proc, which leads to the inode itself.
 */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "request.h"

/* Sends a value or list: its size only, if the kernel asked with size 0. */
static void reply_value(fuse_req_t req, const char *value, ssize_t len, size_t size)
{
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else if (!size)
		fuse_reply_xattr(req, (size_t)len);
	else
		fuse_reply_buf(req, value, (size_t)len);
}

/* The value of @name, or the list of names if NULL; the length or -errno. */
static ssize_t xattr_read(struct node *node, const char *name, char *buf, size_t size)
{
	char proc[NODE_PROC_MAX];
	int fd = node_get(node);
	ssize_t len;

	if (fd < 0)
		return fd;
	node_proc(fd, proc);
	len = name ? getxattr(proc, name, buf, size) : listxattr(proc, buf, size);
	if (len < 0)
		len = -errno;
	node_put(node);
	return len;
}

/* Sets @name, or removes it if @value is NULL. 0 or -errno. */
static int xattr_write(struct node *node, const char *name, const char *value, size_t size,
		       int flags)
{
	char proc[NODE_PROC_MAX];
	int fd = node_get(node);
	int err;

	if (fd < 0)
		return fd;
	node_proc(fd, proc);
	err = value ? setxattr(proc, name, value, size, flags) : removexattr(proc, name);
	if (err)
		err = -errno;
	node_put(node);
	return err;
}

static void xattr_reply(fuse_req_t req, struct node *node, const char *name, size_t size)
{
	char *buf = size ? malloc(size) : NULL;
	ssize_t len = request_begin(req, OP_OTHER, node, NULL);

	if (!len && size && !buf)
		len = -ENOMEM;
	if (!len)
		len = xattr_read(node, name, buf, size);
	request_end(OP_OTHER);
	reply_value(req, buf, len, size);
	free(buf);
}

static void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *node = node_of(ino);

	if (!ops_refuse_virtual(req, node, ENODATA))
		xattr_reply(req, node, name, size);
}

static void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct node *node = node_of(ino);

	if (node_is_virtual(node))
		reply_value(req, NULL, 0, size);
	else
		xattr_reply(req, node, NULL, size);
}

static void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			 size_t size, int flags)
{
	struct node *node = node_of(ino);
	int err;

	if (ops_refuse_virtual(req, node, EPERM))
		return;
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err)
		err = xattr_write(node, name, value, size, flags);
	request_reply(req, OP_OTHER, err);
}

static void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *node = node_of(ino);
	int err;

	if (ops_refuse_virtual(req, node, EPERM))
		return;
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err)
		err = xattr_write(node, name, NULL, 0, 0);
	request_reply(req, OP_OTHER, err);
}

void ops_xattr_register(struct fuse_lowlevel_ops *ops)
{
	ops->getxattr = ops_getxattr;
	ops->listxattr = ops_listxattr;
	ops->setxattr = ops_setxattr;
	ops->removexattr = ops_removexattr;
}
