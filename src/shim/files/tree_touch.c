/* SPDX-License-Identifier: MIT */
/*
 * Changes that programs make. Before a change, the file and everything below it are touched in the record,
 * for all processes; if a name is added or removed, its directory is. From then on the origin is asked.
 */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/stats.h"

#include "shim/files/names_look.h"
#include "shim/libc/procfd.h"

static void touch(struct tree *tree, uint32_t number, const struct frozen_node *node,
		  enum frozen_part part)
{
	/* its other names are not looked for */
	bool linked = number != FROZEN_NONE && S_ISREG(node->mode) && node->nlink > 1;
	int err;

	if (number != FROZEN_NONE && frozen_touched(&tree->frozen, number, part))
		return;
	/* readers in this process must see what is written to it */
	if (linked)
		tree_real_inode((uint32_t)(tree - trees), node->ino);
	else if (number != FROZEN_NONE && part == FROZEN_WHOLE)
		tree_real_file((uint32_t)(tree - trees), number);
	err = frozen_touch(&tree->frozen, tree->record, linked ? FROZEN_NONE : number, part);
	if (err)
		log_warn("the record of %s cannot be changed: %d", tree->path, err);
	stats_add(frozen_touched, 1);
}

/* A process that records the tree at this moment must begin anew. */
static void recording_end(const struct tree *tree)
{
	struct pathbuf *buf = pathbuf_get();
	size_t n = strlen(tree->record);

	if (!buf)
		return;
	if (n + 5 <= sizeof(buf->path)) {
		memcpy(buf->path, tree->record, n);
		memcpy(buf->path + n, ".new", 5);
		sys_unlinkat(AT_FDCWD, buf->path, 0);
	}
	pathbuf_put(buf);
}

/* Touch the canonical path in look->path; `name`: its directory too. */
static void path_touch(struct tree_look *look, bool name)
{
	for (uint32_t i = 0; i < trees_count; i++) {
		const char *below = frozen_below(trees[i].path, look->path->path);
		struct frozen_walk walk = { .frozen = &trees[i].frozen,
					    .any = true,
					    .nofollow = true };
		char *path = look->path->path, *slash;
		struct pathbuf *copy;

		/* a directory above the tree gets another name: none of the tree's paths is valid */
		if (name && !below && frozen_below(path, trees[i].path) && tree_mapped(&trees[i]))
			touch(&trees[i], FROZEN_NONE, NULL, FROZEN_WHOLE);
		if (!below)
			continue;
		recording_end(&trees[i]);
		copy = tree_mapped(&trees[i]) ? pathbuf_get() : NULL;
		if (!copy)
			continue;
		walk.rest = copy->path;
		walk.other = look->other->path;
		memcpy(copy->path, below, strlen(below) + 1);
		if (frozen_walk(&walk) == FROZEN_IS)
			touch(&trees[i], walk.number, &walk.node, FROZEN_WHOLE);
		slash = strrchr(path + trees[i].length, '/');
		if (name && slash) {
			walk.number = 0;
			memcpy(copy->path, below, (size_t)(slash - below));
			copy->path[slash - below] = '\0';
			if (frozen_walk(&walk) == FROZEN_IS)
				touch(&trees[i], walk.number, &walk.node, FROZEN_NAMES);
		}
		pathbuf_put(copy);
	}
}

/* Make the canonical path of the file to which the program's path leads. False: there is none. */
static bool path_of_file(struct tree_look *look, int flags)
{
	int fd = sys_openat(AT_FDCWD, look->path->path, O_PATH | O_CLOEXEC | flags, 0);
	ssize_t n;

	if (fd < 0)
		return false;
	n = procfd_path(fd, look->path->path, sizeof(look->path->path));
	sys_close(fd);
	return n > 0;
}

/* Make the canonical path of a name, which need not exist. */
static bool path_of_name(struct tree_look *look)
{
	char *path = look->path->path;
	size_t n = path_trim(path, strlen(path));
	char *slash;
	int fd;

	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || slash[1] == '\0')
		return false;
	n = strlen(slash);
	memcpy(look->other->path, slash, n + 1);
	slash[slash == path] = '\0';
	fd = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC | O_DIRECTORY, 0);
	if (fd < 0)
		return false;
	if (procfd_path(fd, path, sizeof(look->path->path) - n - 1) <= 0)
		*path = '\0';
	sys_close(fd);
	if (*path)
		memcpy(path + strlen(path), look->other->path, n + 1);
	return *path;
}

static void touch_path(struct tree_look *look, int dir, const char *path, enum tree_change change)
{
	if (!tree_path(look, dir, path))
		return;
	if (change == TREE_FILE || change == TREE_LINK || change == TREE_OPEN) {
		if (path_of_file(look, change == TREE_LINK ? O_NOFOLLOW : 0)) {
			path_touch(look, false);
			return;
		}
		if (change != TREE_OPEN)
			return;
	}
	if (path_of_name(look))
		path_touch(look, true);
}

static bool touch_enter(void)
{
	return load_relaxed(&attach_active) && !thread_is_foreign() && thread_enter();
}

void tree_touch_slow(int dir, const char *path, enum tree_change change)
{
	struct tree_look look = { .path = NULL };
	int saved = errno;

	__asm__("" : "+r"(path));
	if (!path || !touch_enter())
		return;
	touch_path(&look, dir, path, change);
	tree_look_end(&look);
	thread_leave();
	errno = saved;
}

void tree_touch_fd_slow(int fd, bool made)
{
	struct tree_look look = { .path = pathbuf_get(), .other = pathbuf_get() };
	int saved = errno;

	if (touch_enter()) {
		if (look.path && look.other &&
		    procfd_path(fd, look.path->path, sizeof(look.path->path)) > 0)
			path_touch(&look, made);
		thread_leave();
	}
	tree_look_end(&look);
	errno = saved;
}
