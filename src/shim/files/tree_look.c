/* SPDX-License-Identifier: MIT */
/* From the path that a program gives to a node of a record. */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/guard.h"

#include "shim/files/names_look.h"
#include "shim/libc/procfd.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"

#define PIECE 256u /* bytes of a path that are copied at once; a page contains whole pieces */

/* Before the cache is attached no handler catches a fault: the kernel copies. */
static bool path_copy_early(struct pathbuf *buf, const char *path)
{
	for (size_t at = 0; at < sizeof(buf->path);) {
		size_t n = PIECE - (uintptr_t)(path + at) % PIECE;
		struct iovec to = { buf->path + at, n }, from = { (char *)path + at, n };

		if (n > sizeof(buf->path) - at)
			return false;
		if (SYS_CALL(SYS_process_vm_readv, sys_getpid(), &to, 1, &from, 1, 0) != (long)n)
			return false;
		if (memchr(buf->path + at, '\0', n))
			return true;
		at += n;
	}
	return false;
}

static bool pathbuf_fill(struct pathbuf *buf, const char *path)
{
	return attach_cache_now() ? names_path_copy(buf, path) : path_copy_early(buf, path);
}

/* Write the path of the directory where a relative path begins into `buf`; returns its length. */
static size_t begin_of(int dir, char *buf, size_t n)
{
	ssize_t length;

	if (dir != AT_FDCWD) {
		length = procfd_path(dir, buf, n);
		return length > 0 ? (size_t)length : 0;
	}
	length = SYS_CALL(SYS_getcwd, buf, n, 0, 0, 0, 0);
	return length > 1 && *buf == '/' ? (size_t)length - 1 : 0;
}

bool tree_path(struct tree_look *look, int dir, const char *path)
{
	size_t begin, n;

	look->path = pathbuf_get();
	look->other = pathbuf_get();
	if (!look->path || !look->other || !pathbuf_fill(look->path, path) || !*look->path->path)
		return false;
	if (*look->path->path == '/')
		return true;
	begin = begin_of(dir, look->other->path, sizeof(look->other->path));
	n = strlen(look->path->path) + 1;
	if (!begin || begin + 1 + n > sizeof(look->path->path))
		return false;
	memmove(look->path->path + begin + 1, look->path->path, n);
	memcpy(look->path->path, look->other->path, begin);
	look->path->path[begin] = '/';
	return true;
}

/* The innermost tree into which the path leads. */
static struct tree *tree_find(const char *path)
{
	struct tree *found = NULL;

	for (uint32_t i = 0; i < trees_count; i++)
		if (frozen_below(trees[i].path, path) &&
		    (!found || trees[i].length > found->length))
			found = &trees[i];
	return found;
}

static enum frozen_found look_walk(struct tree_look *look, bool nofollow)
{
	struct tree *tree = look->tree;
	char *path = look->path->path;

	look->walk = (struct frozen_walk){ .frozen = &tree->frozen, .nofollow = nofollow };
	memmove(path, path + tree->length, strlen(path + tree->length) + 1);
	look->walk.rest = path;
	look->walk.other = look->other->path;
	return frozen_walk(&look->walk);
}

/* The number 7 of "/proc/self/fd/7" or "/dev/fd/7"; or -1. */
static int number_at_end(const char *path)
{
	const char *name = strstr(path, "/fd/");
	char *end;
	long fd;

	if (!name || name[4] < '0' || name[4] > '9')
		return -1;
	fd = strtol(name + 4, &end, 10);
	return !*end && fd <= INT_MAX ? (int)fd : -1;
}

void tree_shows(const char *path)
{
	char begin[64] = "";
	int fd;

	for (size_t i = 0; i + 1 < sizeof(begin) && (!i || begin[i - 1]); i++)
		if (guard_copy(begin + i, path + i, 1))
			return;
	if (strncmp(begin, "/proc/", 6) && strncmp(begin, "/dev/fd", 7) &&
	    strncmp(begin, "/dev/std", 8))
		return;
	fd = number_at_end(begin);
	if (fd >= 0)
		tree_real(fd);
	else if (!tree_others_run())
		tree_real_all(true);
}

enum frozen_found tree_look(struct tree_look *look, int dir, const char *path, bool nofollow)
{
	look->path = look->other = NULL;
	__asm__("" : "+r"(path)); /* the kernel allows NULL, headers do not */
	if (!path || !load_relaxed(&attach_active) || !tree_path(look, dir, path))
		return FROZEN_ASK;
	look->tree = tree_find(look->path->path);
	if (!look->tree || !tree_ready(look->tree) || !who_now(&look->who) ||
	    !who_is(&look->who, look->tree->frozen.header.who))
		return FROZEN_ASK;
	return look_walk(look, nofollow);
}

void tree_look_end(struct tree_look *look)
{
	if (look->path)
		pathbuf_put(look->path);
	if (look->other)
		pathbuf_put(look->other);
}
