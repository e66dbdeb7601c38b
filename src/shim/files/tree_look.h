/* SPDX-License-Identifier: MIT */
/* What the files of tree.h share. */
#ifndef SHIM_TREE_LOOK_H
#define SHIM_TREE_LOOK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/frozen.h"

#include "shim/libc/pathbuf.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/handle.h"
#include "shim/table/who.h"

/* Measured: to compare a path with all of them takes a twentieth of the stat() on a local disk that is saved. */
#define TREES 16

struct tree {
	char path[PATH_MAX];
	char record[PATH_MAX];
	size_t length;
	uint64_t most_ns; /* the age at which it expires */
	struct frozen frozen;
	struct statx mount;   /* the mount on which it lies */
	uint64_t mount_short; /* the short id of that mount */
	uint64_t mounts;      /* hash of the mounts on it */
	uint64_t looked_ms;   /* when they were last looked at */
	uint32_t state;	      /* enum tree_state */
};

enum tree_state { TREE_NEW, TREE_BUSY, TREE_READY, TREE_OVER };

struct tree_look {
	struct tree *tree;
	struct frozen_walk walk;
	struct pathbuf *path, *other;
	struct who who;
};

/* All configured trees. */
extern struct tree *trees;
extern uint32_t trees_count;

/* Whether its record answers now. */
bool tree_ready(struct tree *tree);

/* Whether its record is mapped, be it valid for answers or not: for changes. */
bool tree_mapped(struct tree *tree);

/* The tree was not as the user said: its record is thawed for all processes. */
void tree_wrong(struct tree *tree);

/* Make the absolute path, in look->path. False: leave the call to the kernel. */
bool tree_path(struct tree_look *look, int dir, const char *path);

/* Find the node. Owes tree_look_end() in any case. FROZEN_ASK: leave the call to the kernel. */
enum frozen_found tree_look(struct tree_look *look, int dir, const char *path, bool nofollow);
void tree_look_end(struct tree_look *look);

/*
 * The path goes through a descriptor (/proc/self/fd): the program would see the memory file, so it is
 * replaced by the real one.
 */
void tree_shows(const char *path);

/* Enclose an answer. False: leave the call to the kernel. True owes a thread_leave(). */
static inline bool tree_enter(const char *path)
{
	if (!load_relaxed(&attach_active) || thread_is_foreign())
		return false;
	if (unlikely(load_relaxed(&handle_frozen)))
		tree_shows(path);
	return thread_enter();
}

#endif
