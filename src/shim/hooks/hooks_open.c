/* SPDX-License-Identifier: MIT */
/*
 * The open family. The kernel opens the file with the caller's own arguments first; then track.c examines
 * the descriptor.
 */
#include "shim/libc/symbols.h"

#include <stdarg.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

#include "base/guard.h"

#include "shim/files/ahead.h"
#include "shim/files/names.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/hooks/hooks_open.h"

/* Only with these flags was a mode passed: otherwise it must not be read. */
static bool flags_need_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static bool flags_change(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
}

/* Returns true if the file is in a frozen tree: *fd is the result of the call. */
static inline bool frozen(int dir, const char *path, int flags, int *fd)
{
	if (likely(!load_relaxed(&tree_on)))
		return false;
	if (!flags_change(flags) || (flags & O_TMPFILE) == O_TMPFILE)
		return tree_open_slow(dir, path, flags, fd);
	tree_touch_slow(dir, path, flags & O_NOFOLLOW ? TREE_LINK : TREE_OPEN);
	if (flags & O_CREAT && flags & O_NOFOLLOW)
		tree_touch_slow(dir, path, TREE_NAME);
	return false;
}

/* Whether `path` does not exist, and `flags` do not ask for it to be made. */
static inline bool absent(int dir, const char *path, int flags)
{
	return !(flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) &&
	       names_absent(dir, path, NAMES_OPEN);
}

static inline int opened(const char *path, int fd, int flags)
{
	if (unlikely(load_relaxed(&tree_on)) && flags_change(flags))
		tree_touch_fd(fd, flags & O_CREAT);
	return track_opened(names_missed(path, fd), flags);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags_need_mode(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (absent(AT_FDCWD, path, flags))
		return -1;
	if (frozen(AT_FDCWD, path, flags, &fd))
		return fd;
	fd = ahead_open(AT_FDCWD, path, flags);
	return opened(path, fd >= 0 ? fd : NEXT(open)(path, flags, mode), flags);
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags_need_mode(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (absent(dir, path, flags))
		return -1;
	if (frozen(dir, path, flags, &fd))
		return fd;
	fd = ahead_open(dir, path, flags);
	return opened(path, fd >= 0 ? fd : NEXT(openat)(dir, path, flags, mode), flags);
}

int creat(const char *path, mode_t mode)
{
	const int flags = O_CREAT | O_WRONLY | O_TRUNC;
	int fd;

	frozen(AT_FDCWD, path, flags, &fd);
	return opened(path, NEXT(creat)(path, mode), flags);
}

/* The fortified forms abort if a mode is missing: libc's own do that. */
int __open_2(const char *path, int flags)
{
	int fd;

	if (absent(AT_FDCWD, path, flags))
		return -1;
	if (!flags_need_mode(flags) && frozen(AT_FDCWD, path, flags, &fd))
		return fd;
	fd = ahead_open(AT_FDCWD, path, flags);
	return opened(path, fd >= 0 ? fd : NEXT(__open_2)(path, flags), flags);
}

int __openat_2(int dir, const char *path, int flags)
{
	int fd;

	if (absent(dir, path, flags))
		return -1;
	if (!flags_need_mode(flags) && frozen(dir, path, flags, &fd))
		return fd;
	fd = ahead_open(dir, path, flags);
	return opened(path, fd >= 0 ? fd : NEXT(__openat_2)(dir, path, flags), flags);
}

int open_by_handle_at(int mount, struct file_handle *file, int flags)
{
	return track_opened(NEXT(open_by_handle_at)(mount, file, flags), flags);
}

HOOK_ALIAS(open64, open);
HOOK_ALIAS(__open, open);
HOOK_ALIAS(__open64, open);
HOOK_ALIAS(openat64, openat);
HOOK_ALIAS(creat64, creat);
HOOK_ALIAS(__open64_2, __open_2);
HOOK_ALIAS(__openat64_2, __openat_2);

#ifdef SYS_openat2
static long openat2_number(const long *a)
{
	struct open_how how = { .flags = O_PATH };
	const char *path = (const char *)a[1];
	int unused;
	long fd;

	/*
	 * The kernel reads it itself: another thread may have changed it by then. Before the cache is attached no
	 * handler catches a fault.
	 */
	if (unlikely(load_relaxed(&tree_on)) && attach_cache_now() &&
	    !guard_copy(&how, (const void *)a[2], sizeof(how.flags)) &&
	    flags_change((int)how.flags))
		frozen((int)a[0], path, (int)how.flags, &unused);
	fd = NEXT(syscall)(SYS_openat2, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (fd < 0 || guard_copy(&how, (const void *)a[2], sizeof(how.flags)))
		return names_missed(path, (int)fd);
	return opened(path, (int)fd, (int)how.flags);
}
#endif

bool open_number(long number, const long *a, long *ret)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		*ret = open((const char *)a[0], (int)a[1], (mode_t)a[2]);
		return true;
	case SYS_creat:
		*ret = creat((const char *)a[0], (mode_t)a[1]);
		return true;
#endif
	case SYS_openat:
		*ret = openat((int)a[0], (const char *)a[1], (int)a[2], (mode_t)a[3]);
		return true;
#ifdef SYS_openat2
	case SYS_openat2:
		*ret = openat2_number(a);
		return true;
#endif
	default:
		return false;
	}
}
