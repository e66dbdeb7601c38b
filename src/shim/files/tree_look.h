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

#define TREES 16

struct tree {
	char path[PATH_MAX];
	char record[PATH_MAX];
	size_t length;
	uint64_t most_ns; /* its age */
	struct frozen frozen;
	struct statx mount;   /* on which it lies */
	uint64_t mount_short; /* that one's other number */
	uint64_t mounts;      /* hash of those that lie on that one */
	uint64_t looked_ms;   /* when that was looked at */
	uint32_t state;	      /* enum tree_state */
};

enum tree_state { TREE_NEW, TREE_BUSY, TREE_READY, TREE_OVER };

struct tree_look {
	struct tree *tree;
	struct frozen_walk walk;
	struct pathbuf *path, *other;
	struct who who;
};

/* All that are configured. */
extern struct tree *trees;
extern uint32_t trees_count;

/* Its answers count now. */
bool tree_ready(struct tree *tree);

/* Its record is mapped, whether its answers count or not: for changes. */
bool tree_mapped(struct tree *tree);

/* It was not as the user said: its answers end, for all. */
void tree_wrong(struct tree *tree);

/* The path, absolute, into look->path. False: leave it to the kernel. */
bool tree_path(struct tree_look *look, int dir, const char *path);

/* The whole; owes tree_look_end() in any case. FROZEN_ASK: leave it to the kernel. */
enum frozen_found tree_look(struct tree_look *look, int dir, const char *path, bool nofollow);
void tree_look_end(struct tree_look *look);

/* A path that names descriptors (/proc/self/fd): who goes by it sees what stands in for files, which ends. */
void tree_shows(const char *path);

/* Around an answer: false: the kernel's. True owes tree_leave(). */
static inline bool tree_enter(const char *path)
{
	if (!load_relaxed(&attach_active) || thread_is_foreign())
		return false;
	if (unlikely(load_relaxed(&handle_frozen)))
		tree_shows(path);
	return thread_enter();
}

#endif
