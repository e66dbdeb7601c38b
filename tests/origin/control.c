/* SPDX-License-Identifier: MIT */
/*
 * The hidden directory /.origin, by which tests watch and steer the origin:
 *
 *	stats	 read: counters, "name value" lines
 *	control	 write: commands; read: the settings and faults in force
 *
 * The directory is found by name only; listing the mount does not show it. Both
 * files are opened with direct I/O, so no read comes from the page cache. An open
 * file keeps the text that its last read at offset 0 made: such a read is current,
 * and the reads that follow on it see the same text to its end.
 */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "counters.h"

/* Room for every fault with a long prefix. */
#define TEXT_MAX (128 * 1024)
#define COMMANDS_MAX 65536
/* Our entries and attributes never change; asking again would count for naught. */
#define FOREVER 1e6

struct view {
	pthread_mutex_t lock;
	const struct node *node;
	size_t len;
	char text[TEXT_MAX];
};

static struct node nodes[] = {
	{ .kind = NODE_CONTROL_DIR, .fd = -1, .key.ino = UINT64_MAX - 2 },
	{ .kind = NODE_CONTROL, .fd = -1, .key.ino = UINT64_MAX - 3 },
	{ .kind = NODE_STATS, .fd = -1, .key.ino = UINT64_MAX - 4 },
};

static struct node *const dir_node = &nodes[0];

static const struct {
	const char *name;
	struct node *node;
	mode_t mode;
} files[] = {
	{ ".", &nodes[0], S_IFDIR | 0555 },
	{ "control", &nodes[1], S_IFREG | 0666 },
	{ "stats", &nodes[2], S_IFREG | 0444 },
};

#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

struct node *control_find(const struct node *parent, const char *name)
{
	if (parent->kind == NODE_ROOT && !strcmp(name, CONTROL_NAME))
		return dir_node;
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (parent == dir_node && !strcmp(name, files[i].name))
			return files[i].node;
	return NULL;
}

bool control_guards(const struct node *parent, const char *name)
{
	return parent == dir_node || control_find(parent, name);
}

static void control_stat(const struct node *node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (node == files[i].node)
			st->st_mode = files[i].mode;
	st->st_ino = node->key.ino;
	st->st_nlink = S_ISDIR(st->st_mode) ? 2 : 1;
	st->st_uid = geteuid();
	st->st_gid = getegid();
}

void control_reply_entry(fuse_req_t req, const struct node *node)
{
	struct fuse_entry_param entry = {
		.ino = node_number(node),
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};

	control_stat(node, &entry.attr);
	fuse_reply_entry(req, &entry);
}

void control_getattr(fuse_req_t req, const struct node *node)
{
	struct stat st;

	control_stat(node, &st);
	fuse_reply_attr(req, &st, FOREVER);
}

void control_setattr(fuse_req_t req, const struct node *node, int to_set)
{
	/* "> control" truncates, and there is nothing to truncate. */
	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else
		control_getattr(req, node);
}

void control_open(fuse_req_t req, const struct node *node, struct fuse_file_info *fi)
{
	struct view *view = malloc(sizeof(*view));

	if (!view) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_init(&view->lock, NULL);
	view->node = node;
	view->len = 0;
	fi->fh = (uintptr_t)view;
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi))
		free(view);
}

static struct view *view_of(const struct fuse_file_info *fi)
{
	return (struct view *)(uintptr_t)fi->fh;
}

/* Copies up to @size bytes at @off of the view's text; the number of bytes. */
static size_t view_read(struct view *view, char *buf, size_t size, size_t off)
{
	pthread_mutex_lock(&view->lock);
	if (!off && view->node->kind == NODE_STATS)
		view->len = counters_format(view->text, sizeof(view->text));
	else if (!off)
		view->len = command_format(view->text, sizeof(view->text));
	if (off > view->len)
		off = view->len;
	if (size > view->len - off)
		size = view->len - off;
	memcpy(buf, view->text + off, size);
	pthread_mutex_unlock(&view->lock);
	return size;
}

void control_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
	char *buf = malloc(size);

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	/* Once the reply is out, the view may be closed: not under its lock. */
	size = view_read(view_of(fi), buf, size, (size_t)off);
	fuse_reply_buf(req, buf, size);
	free(buf);
}

void control_write(fuse_req_t req, const char *buf, size_t size)
{
	char *text;
	int err;

	if (size > COMMANDS_MAX) {
		fuse_reply_err(req, EFBIG);
		return;
	}
	text = malloc(size + 1);
	if (!text) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	memcpy(text, buf, size);
	text[size] = '\0';
	err = command_run(text);
	free(text);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_write(req, size);
}

void control_release(fuse_req_t req, struct fuse_file_info *fi)
{
	struct view *view = view_of(fi);

	pthread_mutex_destroy(&view->lock);
	free(view);
	fuse_reply_err(req, 0);
}

static size_t control_dirent(fuse_req_t req, char *buf, size_t size, size_t i, bool plus)
{
	/* No ino: the entry is only listed, and takes no reference. */
	struct fuse_entry_param entry = { 0 };

	control_stat(files[i].node, &entry.attr);
	if (plus)
		return fuse_add_direntry_plus(req, buf, size, files[i].name, &entry, (off_t)i + 1);
	return fuse_add_direntry(req, buf, size, files[i].name, &entry.attr, (off_t)i + 1);
}

void control_readdir(fuse_req_t req, const struct node *node, size_t size, off_t off, bool plus)
{
	char buf[1024];
	size_t used = 0;

	if (node != dir_node) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	if (size > sizeof(buf))
		size = sizeof(buf);
	for (size_t i = (size_t)off; i < FILE_COUNT; i++) {
		size_t len = control_dirent(req, buf + used, size - used, i, plus);

		if (len > size - used)
			break;
		used += len;
	}
	fuse_reply_buf(req, buf, used);
}
