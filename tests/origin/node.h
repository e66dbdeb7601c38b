/* SPDX-License-Identifier: MIT */
/* Nodes: the inodes that the kernel knows of, and how to get hold of them. */
#ifndef ORIGIN_NODE_H
#define ORIGIN_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uthash.h>

enum node_kind {
	NODE_FILE, /* anything below the mount, directories too */
	NODE_ROOT,
	NODE_CONTROL_DIR, /* the rest is control.c's, and has no descriptor */
	NODE_CONTROL,
	NODE_STATS
};

struct node_key {
	uint64_t dev;
	uint64_t ino;
};

struct node {
	struct node_key key;
	enum node_kind kind;
	uint64_t refs;	     /* the kernel's, children's, and of calls under way */
	struct node *parent; /* where the inode was seen last; holds a reference */
	char *name;
	int fd;			  /* O_PATH, or -1: to be opened again when needed */
	unsigned int users;	  /* who uses fd now */
	unsigned int pins;	  /* who wants fd to stay, used or not */
	int gone;		  /* removed: fd could not be opened again */
	struct node *prev, *next; /* among those whose fd may be closed */
	UT_hash_handle hh;
};

/* Bytes that hold node_proc()'s result. */
#define NODE_PROC_MAX 32

/*
 * Takes @fd, an O_PATH descriptor of the backing directory, as the root. About
 * @budget further descriptors may be held for other nodes.
 */
void node_init(int fd, size_t budget);

/* Forgets all nodes and closes the root. */
void node_fini(void);

/* The node behind a FUSE inode number, and back. */
struct node *node_of(uint64_t ino);
uint64_t node_number(const struct node *node);

/* Not a file of the backing directory, but one of control.c's? */
int node_is_virtual(const struct node *node);

/*
 * Finds @name in @parent: the node, with one more reference for the kernel to
 * forget, and its attributes. 0 or -errno.
 */
int node_lookup(struct node *parent, const char *name, struct node **node, struct stat *st);

/* Drops @count references; the last one frees the node. */
void node_forget(struct node *node, uint64_t count);

/*
 * An O_PATH descriptor of the inode, good until node_put(); or -errno, -ESTALE if
 * the inode is no longer to be found. Only a success is to be put.
 */
int node_get(struct node *node);
void node_put(struct node *node);

int node_stat(struct node *node, struct stat *st);

/*
 * Opens the inode for real: a descriptor or -errno. Until node_close() the inode stays
 * in reach, whatever others do to its name. node_opened() is for who has opened it
 * otherwise.
 */
int node_open(struct node *node, int flags);
void node_opened(struct node *node);
void node_close(struct node *node, int fd);

/*
 * A path that leads to the inode of the O_PATH descriptor @fd itself, for calls that
 * do not take such. Good for symbolic links too: it ends at the link.
 */
const char *node_proc(int fd, char buf[NODE_PROC_MAX]);

/*
 * Before @name is removed from @parent or renamed: sees to it that its inode stays in
 * reach. NULL if there is no need. Afterwards call exactly one of the others.
 */
struct node *node_keep(struct node *parent, const char *name);
void node_kept_stays(struct node *node);
void node_kept_removed(struct node *node, const struct node *parent, const char *name);
void node_kept_moved(struct node *node, struct node *parent, const char *name);

/*
 * The path of @node, or of its entry @name, seen from the mount: "/" or "/dir/file".
 * An empty string if it is too long.
 */
void node_path(struct node *node, const char *name, char *buf, size_t size);

#endif
