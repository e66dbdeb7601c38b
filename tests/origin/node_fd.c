/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of nodes: how to get hold of an inode.
 *
 * Operations reach their inode by an O_PATH descriptor, so they find the right file
 * after it was renamed or removed, on either side of the mount. But the kernel
 * remembers more inodes than a process may have descriptors. Beyond a budget, those
 * least recently used are closed; when needed they are opened again by parent and
 * name, and must prove to be the same inode. What others move in the backing
 * directory while its descriptor is closed is stale, as on NFS, until the kernel
 * looks it up anew.
 *
 * A descriptor is closable unless it is in use (users), its inode is open or about to
 * be removed or renamed (pins), or has no name any more (gone).
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "node_priv.h"

/* Deeper trees have no path names; this ends cycles, made by moves we do not see. */
#define DEPTH_MAX 2048

/* Nodes with a descriptor that is not to be kept, the least recently used first. */
static struct node *closable;
static size_t closable_count;
static size_t closable_budget;

void node_fd_init(size_t budget)
{
	closable_budget = budget;
}

static bool is_closable(const struct node *node)
{
	return node->kind == NODE_FILE && node->fd >= 0 && !node->pins && !node->gone;
}

/* Around each change of what is_closable() looks at: these two. */
static void closable_del(struct node *node)
{
	if (!is_closable(node))
		return;
	DL_DELETE(closable, node);
	closable_count--;
}

static void closable_add(struct node *node)
{
	if (!is_closable(node))
		return;
	DL_APPEND(closable, node);
	closable_count++;
}

static void close_excess(void)
{
	struct node *node, *next;

	DL_FOREACH_SAFE(closable, node, next)
	{
		if (closable_count <= closable_budget)
			return;
		if (!node->users)
			node_fd_close_locked(node);
	}
}

void node_fd_set_locked(struct node *node, int fd)
{
	if (node->fd >= 0) {
		close(fd);
		return;
	}
	node->fd = fd;
	closable_add(node);
	close_excess();
}

void node_fd_close_locked(struct node *node)
{
	closable_del(node);
	if (node->fd >= 0)
		close(node->fd);
	node->fd = -1;
}

void node_fd_pin_locked(struct node *node)
{
	closable_del(node);
	node->pins++;
}

void node_fd_unpin_locked(struct node *node)
{
	node->pins--;
	closable_add(node);
	close_excess();
}

void node_fd_gone_locked(struct node *node, int gone)
{
	closable_del(node);
	node->gone = gone;
	closable_add(node);
}

/* An O_PATH descriptor of @name in the directory @dir_fd, or -errno. */
static int open_entry(int dir_fd, const char *name, struct stat *st)
{
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (!fstatat(fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The node's descriptor, with one user more; -1 if there is none. */
static int use_locked(struct node *node)
{
	if (node->fd < 0)
		return -1;
	node->users++;
	/* To the end of the queue. */
	closable_del(node);
	closable_add(node);
	return node->fd;
}

static int get_at_depth(struct node *node, unsigned int depth);

static int open_at_depth(struct node *parent, const char *name, struct stat *st, unsigned int depth)
{
	int fd, dir_fd = get_at_depth(parent, depth);

	if (dir_fd < 0)
		return dir_fd;
	fd = open_entry(dir_fd, name, st);
	node_put(parent);
	return fd;
}

int node_fd_child(struct node *parent, const char *name, struct stat *st)
{
	return open_at_depth(parent, name, st, 0);
}

/* Opens the inode by its place again; as node_get(). */
static int node_reopen(struct node *node, unsigned int depth)
{
	struct node *parent;
	struct stat st;
	char *name;
	int fd;

	pthread_mutex_lock(&node_lock);
	parent = node->parent;
	parent->refs++;
	name = strdup(node->name);
	pthread_mutex_unlock(&node_lock);

	fd = name ? open_at_depth(parent, name, &st, depth) : -ENOMEM;

	pthread_mutex_lock(&node_lock);
	if (fd >= 0 && node_find_locked(&st) == node) {
		/* In use before it is set: a full budget must not close it again. */
		node->users++;
		node_fd_set_locked(node, fd);
		fd = node->fd;
	} else {
		if (fd >= 0)
			close(fd);
		if (fd >= 0 || fd == -ENOENT || fd == -ENOTDIR)
			fd = -ESTALE;
		/* Whoever moved or removed it meanwhile has left it a descriptor. */
		if (node->fd >= 0)
			fd = use_locked(node);
	}
	node_unref_locked(parent, 1);
	pthread_mutex_unlock(&node_lock);
	free(name);
	return fd;
}

static int get_at_depth(struct node *node, unsigned int depth)
{
	int fd;

	if (depth > DEPTH_MAX)
		return -ESTALE;
	pthread_mutex_lock(&node_lock);
	fd = use_locked(node);
	pthread_mutex_unlock(&node_lock);
	return fd >= 0 ? fd : node_reopen(node, depth + 1);
}

int node_get(struct node *node)
{
	return get_at_depth(node, 0);
}

void node_put(struct node *node)
{
	pthread_mutex_lock(&node_lock);
	node->users--;
	pthread_mutex_unlock(&node_lock);
}

int node_stat(struct node *node, struct stat *st)
{
	int fd = node_get(node);
	int err;

	if (fd < 0)
		return fd;
	err = fstatat(fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? -errno : 0;
	node_put(node);
	return err;
}

const char *node_proc(int fd, char buf[NODE_PROC_MAX])
{
	snprintf(buf, NODE_PROC_MAX, "/proc/self/fd/%d", fd);
	return buf;
}

int node_open(struct node *node, int flags)
{
	char proc[NODE_PROC_MAX];
	int fd, path_fd = node_get(node);

	if (path_fd < 0)
		return path_fd;
	fd = open(node_proc(path_fd, proc), flags | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		node_opened(node);
	node_put(node);
	return fd;
}

void node_opened(struct node *node)
{
	int fd = node_get(node);

	pthread_mutex_lock(&node_lock);
	node_fd_pin_locked(node);
	pthread_mutex_unlock(&node_lock);
	if (fd >= 0)
		node_put(node);
}

void node_close(struct node *node, int fd)
{
	close(fd);
	pthread_mutex_lock(&node_lock);
	node_fd_unpin_locked(node);
	pthread_mutex_unlock(&node_lock);
}
