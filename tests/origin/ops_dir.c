/* SPDX-License-Identifier: MIT */
/*
 * Reading directories.
 *
 * An open directory is a descriptor of the backing one. The position that the
 * kernel passes is the backing file system's own, so each request seeks there,
 * reads once and may throw away what does not fit into the reply: the next
 * request comes back for it. The kernel sends one READDIR at a time per open
 * directory, so seek and read need no lock.
 */
#define _GNU_SOURCE 1
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "request.h"

/* A reply as it is being filled. */
struct listing {
	fuse_req_t req;
	struct node *dir;
	bool plus; /* with attributes, which counts as a lookup of each */
	char *buf;
	size_t size;
	size_t used;
};

static void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);
	int fd;

	if (node_is_virtual(node)) {
		fuse_reply_open(req, fi);
		return;
	}
	fd = request_begin(req, OP_OTHER, node, NULL);
	if (!fd)
		fd = node_open(node, O_RDONLY | O_DIRECTORY);
	request_end(OP_OTHER);
	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	fi->fh = (uint64_t)fd;
	if (fuse_reply_open(req, fi))
		node_close(node, fd);
}

static void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(ino);

	if (ops_refuse_virtual(req, node, 0))
		return;
	/* No faults here: the descriptor has to go. */
	counters_enter(OP_OTHER);
	node_close(node, (int)fi->fh);
	request_reply(req, OP_OTHER, 0);
}

static void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
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

static bool name_is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Appends @d; false if it does not fit. */
static bool listing_add(struct listing *l, const struct dirent64 *d)
{
	struct fuse_entry_param entry = {
		.attr = { .st_ino = d->d_ino, .st_mode = DTTOIF(d->d_type) },
	};
	size_t room = l->size - l->used;
	char *end = l->buf + l->used;
	size_t len;

	if (!l->plus) {
		len = fuse_add_direntry(l->req, end, room, d->d_name, &entry.attr, d->d_off);
	} else {
		/* Removed meanwhile: an entry without attributes tells just the name. */
		if (!name_is_dots(d->d_name) && ops_entry(l->req, l->dir, d->d_name, &entry))
			entry.attr.st_ino = d->d_ino;
		len = fuse_add_direntry_plus(l->req, end, room, d->d_name, &entry, d->d_off);
		if (len > room && entry.ino)
			node_forget(node_of(entry.ino), 1);
	}
	if (len > room)
		return false;
	l->used += len;
	return true;
}

/* Appends entries from @batch until one does not fit. */
static bool listing_add_batch(struct listing *l, const char *batch, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *d = (const struct dirent64 *)(batch + at);

		at += d->d_reclen;
		/* A real file of that name is out of reach, so it is not listed. */
		if (!control_find(l->dir, d->d_name) && !listing_add(l, d))
			return false;
	}
	return true;
}

/* Fills the listing from position @off of @fd. An empty one means the end. */
static int listing_fill(struct listing *l, int fd, off_t off)
{
	char *batch = malloc(l->size);
	ssize_t len;
	int err = 0;

	if (!batch)
		return -ENOMEM;
	if (lseek(fd, off, SEEK_SET) < 0) {
		err = -errno;
		goto out;
	}
	do {
		len = getdents64(fd, batch, l->size);
		if (len < 0)
			err = -errno;
		/* Not the end yet, if all that was there is hidden: go on. */
	} while (len > 0 && listing_add_batch(l, batch, (size_t)len) && !l->used);
out:
	free(batch);
	return err;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi,
		 bool plus)
{
	struct listing l = { .req = req, .dir = node_of(ino), .plus = plus, .size = size };
	int err;

	if (node_is_virtual(l.dir)) {
		control_readdir(req, l.dir, size, off, plus);
		return;
	}
	l.buf = malloc(size);
	err = request_begin(req, OP_READDIR, l.dir, NULL);
	if (!err && !l.buf)
		err = -ENOMEM;
	if (!err)
		err = listing_fill(&l, (int)fi->fh, off);
	request_end(OP_READDIR);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_buf(req, l.buf, l.used);
	free(l.buf);
}

static void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	list(req, ino, size, off, fi, false);
}

static void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			    struct fuse_file_info *fi)
{
	list(req, ino, size, off, fi, true);
}

void ops_dir_register(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = ops_opendir;
	ops->releasedir = ops_releasedir;
	ops->fsyncdir = ops_fsyncdir;
	ops->readdir = ops_readdir;
	ops->readdirplus = ops_readdirplus;
}
