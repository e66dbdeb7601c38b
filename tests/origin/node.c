/* SPDX-License-Identifier: MIT */
/*
 * Nodes: the inodes that the kernel knows of.
 *
 * A node is made when a lookup first finds its inode, lives as long as somebody
 * holds references, mostly the kernel, and is freed with the last one. FUSE's inode
 * number is the node's address; the st_ino that programs see is the backing file's.
 *
 * A node knows the place, parent and name, where its inode was last seen through the
 * mount. node_fd.c opens inodes by it; so removals and renames come here before and
 * after they happen, to keep in reach what could no longer be found.
 */
#define _GNU_SOURCE 1
#include "node.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse_api.h"
#include "node_priv.h"

pthread_mutex_t node_lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *table;
static struct node root = { .kind = NODE_ROOT, .fd = -1 };

void node_init(int fd, size_t budget)
{
	root.fd = fd;
	node_fd_init(budget);
}

void node_fini(void)
{
	struct node *node, *next;

	/* An unmounted kernel need not send FORGETs. */
	HASH_ITER(hh, table, node, next) {
		HASH_DEL(table, node);
		if (node->fd >= 0)
			close(node->fd);
		free(node->name);
		free(node);
	}
	close(root.fd);
	root.fd = -1;
}

struct node *node_of(uint64_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}

uint64_t node_number(const struct node *node)
{
	return node == &root ? FUSE_ROOT_ID : (uintptr_t)node;
}

int node_is_virtual(const struct node *node)
{
	return node->kind >= NODE_CONTROL_DIR;
}

/* The functions called *_locked expect node_lock to be held. */

void node_unref_locked(struct node *node, uint64_t count)
{
	/* A node holds one reference on its parent, so this may go on upwards. */
	while (node && node->kind == NODE_FILE) {
		struct node *parent = node->parent;

		node->refs -= count;
		if (node->refs)
			return;
		HASH_DEL(table, node);
		node_fd_close_locked(node);
		free(node->name);
		free(node);
		node = parent;
		count = 1;
	}
}

static bool is_at_locked(const struct node *node, const struct node *parent, const char *name)
{
	return node->parent == parent && !strcmp(node->name, name);
}

/* Notes that the inode is @name in @parent. Takes over @name, a heap string. */
static void set_place_locked(struct node *node, struct node *parent, char *name)
{
	struct node *former = node->parent;

	free(node->name);
	node->name = name;
	node->parent = parent;
	parent->refs++;
	node_unref_locked(former, 1);
}

struct node *node_find_locked(const struct stat *st)
{
	struct node_key key = { .dev = st->st_dev, .ino = st->st_ino };
	struct node *node;

	HASH_FIND(hh, table, &key, sizeof(key), node);
	return node;
}

static struct node *add_locked(const struct stat *st)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->key.dev = st->st_dev;
	node->key.ino = st->st_ino;
	node->kind = NODE_FILE;
	node->fd = -1;
	HASH_ADD(hh, table, key, sizeof(node->key), node);
	return node;
}

int node_lookup(struct node *parent, const char *name, struct node **found, struct stat *st)
{
	int fd = node_fd_child(parent, name, st);
	char *copy;
	struct node *node;

	if (fd < 0)
		return fd;
	copy = strdup(name);
	pthread_mutex_lock(&node_lock);
	node = node_find_locked(st);
	if (!node && copy)
		node = add_locked(st);
	if (!node || !copy) {
		pthread_mutex_unlock(&node_lock);
		free(copy);
		close(fd);
		return -ENOMEM;
	}
	node->refs++;
	set_place_locked(node, parent, copy);
	node_fd_gone_locked(node, false);
	node_fd_set_locked(node, fd);
	pthread_mutex_unlock(&node_lock);
	*found = node;
	return 0;
}

void node_forget(struct node *node, uint64_t count)
{
	pthread_mutex_lock(&node_lock);
	node_unref_locked(node, count);
	pthread_mutex_unlock(&node_lock);
}

struct node *node_keep(struct node *parent, const char *name)
{
	struct stat st;
	int fd = node_fd_child(parent, name, &st);
	struct node *node;

	if (fd < 0)
		return NULL;
	pthread_mutex_lock(&node_lock);
	node = node_find_locked(&st);
	/* If we know it by another name, it will be found by that. */
	if (node && is_at_locked(node, parent, name)) {
		node->refs++;
		node_fd_pin_locked(node);
		node_fd_set_locked(node, fd);
	} else {
		node = NULL;
		close(fd);
	}
	pthread_mutex_unlock(&node_lock);
	return node;
}

void node_kept_stays(struct node *node)
{
	if (!node)
		return;
	pthread_mutex_lock(&node_lock);
	node_fd_unpin_locked(node);
	node_unref_locked(node, 1);
	pthread_mutex_unlock(&node_lock);
}

void node_kept_removed(struct node *node, const struct node *parent, const char *name)
{
	if (!node)
		return;
	pthread_mutex_lock(&node_lock);
	/* Unless another link to it was looked up meanwhile. */
	if (is_at_locked(node, parent, name))
		node_fd_gone_locked(node, true);
	pthread_mutex_unlock(&node_lock);
	node_kept_stays(node);
}

void node_kept_moved(struct node *node, struct node *parent, const char *name)
{
	char *copy;

	if (!node)
		return;
	copy = strdup(name);
	pthread_mutex_lock(&node_lock);
	if (copy)
		set_place_locked(node, parent, copy);
	else
		node_fd_gone_locked(node, true);
	pthread_mutex_unlock(&node_lock);
	node_kept_stays(node);
}

/* Puts "/@name" before @*at, unless @buf is full. */
static bool path_prepend(const char *buf, char **at, const char *name)
{
	size_t len = strlen(name) + 1;

	if (len > (size_t)(*at - buf))
		return false;
	*at -= len;
	**at = '/';
	memcpy(*at + 1, name, len - 1);
	return true;
}

void node_path(struct node *node, const char *name, char *buf, size_t size)
{
	char *at = buf + size - 1;
	bool fits = true;

	*at = '\0';
	if (name)
		fits = path_prepend(buf, &at, name);
	pthread_mutex_lock(&node_lock);
	for (; fits && node->kind == NODE_FILE; node = node->parent)
		fits = path_prepend(buf, &at, node->name);
	pthread_mutex_unlock(&node_lock);
	if (fits && !*at)
		fits = path_prepend(buf, &at, "");
	if (!fits)
		at = buf + size - 1;
	memmove(buf, at, strlen(at) + 1);
}
