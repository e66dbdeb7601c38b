/* SPDX-License-Identifier: MIT */
/*
 * Requests on open files.
 *
 * An open file is a descriptor of the backing file, opened with the caller's
 * flags. READ copies through a buffer: splicing pages of the backing file into the
 * reply would send bytes as they are later than the read, and this is an
 * origin for tests of correctness.
 */
#define _GNU_SOURCE 1
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "faults.h"
#include "pace.h"
#include "readlog.h"
#include "request.h"
#include "view.h"

/*
 * The flags for the backing file. O_NOFOLLOW would stop at the link in /proc;
 * O_DIRECT would need aligned buffers here, and is about the mount's page cache.
 */
static int backing_flags(int flags)
{
	return flags & ~(O_NOFOLLOW | O_DIRECT | O_CREAT | O_EXCL | O_NOCTTY);
}

static void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int fd;

	if (node_is_virtual(node)) {
		control_open(req, node, fi);
		return;
	}
	fd = request_begin(req, OP_OPEN, node, NULL);
	if (!fd)
		fd = node_open(node, backing_flags(fi->flags));
	request_end(OP_OPEN);
	view_opened(node);
	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	fi->fh = (uint64_t)fd;
	fi->keep_cache = ops_options(req)->keep_cache;
	fi->direct_io = ops_options(req)->direct_io;
	if (fuse_reply_open(req, fi))
		node_close(node, fd);
}

/* Creates and opens @name. A descriptor or -errno. */
static int file_create(fuse_req_t req, struct node *parent, const char *name, mode_t mode,
		       int flags)
{
	int fd, dir_fd = node_get(parent);

	if (dir_fd < 0)
		return dir_fd;
	flags = backing_flags(flags) | (flags & O_EXCL) | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	request_become_caller(req);
	fd = openat(dir_fd, name, flags, mode);
	if (fd < 0)
		fd = -errno;
	request_become_self();
	node_put(parent);
	return fd;
}

/* Creates, opens and looks up @name. A descriptor or -errno. */
static int create_entry(fuse_req_t req, struct node *parent, const char *name, mode_t mode,
			int flags, struct fuse_entry_param *entry)
{
	int fd = file_create(req, parent, name, mode, flags);
	int err;

	if (fd < 0)
		return fd;
	err = ops_entry(req, parent, name, entry);
	if (err) {
		close(fd);
		return err;
	}
	node_opened(node_of(entry->ino));
	return fd;
}

static void ops_create(fuse_req_t req, fuse_ino_t parent_ino, const char *name, mode_t mode,
		       struct fuse_file_info *fi)
{
	struct node *parent = node_of(parent_ino);
	struct fuse_entry_param entry;
	int fd;

	if (control_guards(parent, name)) {
		fuse_reply_err(req, EPERM);
		return;
	}
	fd = request_begin(req, OP_OPEN, parent, name);
	if (!fd)
		fd = create_entry(req, parent, name, mode, fi->flags, &entry);
	request_end(OP_OPEN);
	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	fi->fh = (uint64_t)fd;
	fi->keep_cache = ops_options(req)->keep_cache;
	fi->direct_io = ops_options(req)->direct_io;
	if (fuse_reply_create(req, &entry, fi)) {
		node_close(node_of(entry.ino), fd);
		node_forget(node_of(entry.ino), 1);
	}
}

/* Reads until @size bytes, the end, or an error; FUSE wants no short reads. */
static ssize_t file_read(int fd, char *buf, size_t size, off_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, buf + done, size - done, off + (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	ssize_t len;
	char *buf;
	int err;

	if (node_is_virtual(node)) {
		control_read(req, size, off, fi);
		return;
	}
	readlog_append(node, off, size);
	buf = malloc(size);
	len = request_begin_at(req, OP_READ, node, off, size);
	if (!len)
		len = buf ? file_read((int)fi->fh, buf, faults_limit(node, size), off) : -ENOMEM;
	if (len > 0) {
		err = pace_transfer(fuse_req_ctx(req)->pid, (size_t)len);
		len = err ? err : len;
	}
	if (len > 0)
		counters_add_read((size_t)len);
	request_end(OP_READ);
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, buf, (size_t)len);
	free(buf);
}

/* Writes all of @buf unless an error comes first; what was written, or -errno. */
static ssize_t file_write(int fd, const char *buf, size_t size, off_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, buf + done, size - done, off + (off_t)done);

		if (n < 0 && errno != EINTR)
			return done ? (ssize_t)done : -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static void ops_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	ssize_t len;

	if (node_is_virtual(node)) {
		control_write(req, buf, size);
		return;
	}
	len = request_begin_at(req, OP_WRITE, node, off, size);
	if (!len)
		len = file_write((int)fi->fh, buf, size, off);
	if (len > 0)
		counters_add_written((size_t)len);
	request_end(OP_WRITE);
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_write(req, (size_t)len);
}

static void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int err;

	if (ops_refuse_virtual(req, node, 0))
		return;
	err = request_begin(req, OP_OTHER, node, NULL);
	/* Closing a duplicate reports what close() would, and keeps the file. */
	if (!err && close(dup((int)fi->fh)))
		err = -errno;
	request_reply(req, OP_OTHER, err);
}

static void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int err;

	if (node_is_virtual(node)) {
		control_release(req, fi);
		return;
	}
	/* The descriptor goes even if the test wants the request to fail. */
	err = request_begin(req, OP_RELEASE, node, NULL);
	node_close(node, (int)fi->fh);
	request_reply(req, OP_RELEASE, err);
}

static void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int err;

	if (ops_refuse_virtual(req, node, 0))
		return;
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err && (datasync ? fdatasync((int)fi->fh) : fsync((int)fi->fh)))
		err = -errno;
	request_reply(req, OP_OTHER, err);
}

static void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
			  struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int err;

	if (ops_refuse_virtual(req, node, EOPNOTSUPP))
		return;
	err = request_begin(req, OP_OTHER, node, NULL);
	if (!err && fallocate((int)fi->fh, mode, off, len))
		err = -errno;
	request_reply(req, OP_OTHER, err);
}

static void ops_copy_file_range(fuse_req_t req, fuse_ino_t in_ino, off_t in_off,
				struct fuse_file_info *in, fuse_ino_t out_ino, off_t out_off,
				struct fuse_file_info *out, size_t len, int flags)
{
	struct node *node = node_of(in_ino);
	ssize_t done;

	if (ops_refuse_virtual(req, node, EXDEV) ||
	    ops_refuse_virtual(req, node_of(out_ino), EXDEV))
		return;
	done = request_begin(req, OP_OTHER, node, NULL);
	if (!done) {
		done = copy_file_range((int)in->fh, &in_off, (int)out->fh, &out_off, len,
				       (unsigned int)flags);
		if (done < 0)
			done = -errno;
	}
	request_end(OP_OTHER);
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

static void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		      struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	off_t found;

	if (ops_refuse_virtual(req, node, EINVAL))
		return;
	found = request_begin(req, OP_OTHER, node, NULL);
	if (!found) {
		found = lseek((int)fi->fh, off, whence);
		if (found < 0)
			found = -errno;
	}
	request_end(OP_OTHER);
	if (found < 0)
		fuse_reply_err(req, (int)-found);
	else
		fuse_reply_lseek(req, found);
}

void ops_file_register(struct fuse_lowlevel_ops *ops)
{
	ops->open = ops_open;
	ops->create = ops_create;
	ops->read = ops_read;
	ops->write = ops_write;
	ops->flush = ops_flush;
	ops->release = ops_release;
	ops->fsync = ops_fsync;
	ops->fallocate = ops_fallocate;
	ops->copy_file_range = ops_copy_file_range;
	ops->lseek = ops_lseek;
}
