/* SPDX-License-Identifier: MIT */
/*
 * Functions that change names and attributes. What they change is first touched in the records of frozen
 * trees, for all processes (files/tree.h); where there are no trees they are the kernel's.
 */
#include "shim/libc/symbols.h"

#include <sys/syscall.h>

#include "shim/files/ahead.h"
#include "shim/files/tree.h"
#include "shim/hooks/hooks_change.h"
#include "shim/table/news.h"

static enum tree_change link_or_file(int flags)
{
	return flags & AT_SYMLINK_NOFOLLOW ? TREE_LINK : TREE_FILE;
}

/* By a descriptor: a memory file is replaced by the real one. */
static inline void change_fd(int fd)
{
	tree_real(fd);
	tree_touch_fd(fd, false);
}

/* NULL or an empty path stands for the descriptor itself. */
static void change_at(int dir, const char *path, int flags)
{
	__asm__("" : "+r"(path));
	if (path && *path)
		tree_touch(dir, path, link_or_file(flags));
	else
		change_fd(dir);
}

#define HOOK_CHANGE(result, name, parameters, first, before, after, values) \
	result name parameters \
	{ \
		first; \
		if (unlikely(load_relaxed(&tree_on))) { \
			before; \
		} \
		result ret = NEXT(name) values; \
		after; \
		return ret; \
	}

#define CHANGE(result, name, parameters, before, values) \
	HOOK_CHANGE(result, name, parameters, (void)0, before, (void)0, values)

/* A name is made: who makes it may have got a lock. */
#define MAKING(result, name, parameters, before, values) \
	HOOK_CHANGE(result, name, parameters, (void)0, before, news_name(), values)

/*
 * A name goes away. Some file systems keep a removed file that is open under a hidden name, and its directory
 * cannot be removed: files that helpers have open must not be among them.
 */
#define REMOVAL(result, name, parameters, before, values) \
	HOOK_CHANGE(result, name, parameters, ahead_drop(), before, news_name(), values)

REMOVAL(int, rename, (const char *from, const char *to), tree_touch(AT_FDCWD, from, TREE_NAME);
	tree_touch(AT_FDCWD, to, TREE_NAME), (from, to))
REMOVAL(int, renameat, (int from_dir, const char *from, int to_dir, const char *to),
	tree_touch(from_dir, from, TREE_NAME);
	tree_touch(to_dir, to, TREE_NAME), (from_dir, from, to_dir, to))
REMOVAL(int, renameat2,
	(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags),
	tree_touch(from_dir, from, TREE_NAME);
	tree_touch(to_dir, to, TREE_NAME), (from_dir, from, to_dir, to, flags))
MAKING(int, link, (const char *from, const char *to), tree_touch(AT_FDCWD, from, TREE_NAME);
       tree_touch(AT_FDCWD, to, TREE_NAME), (from, to))
MAKING(int, linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags),
       tree_real_all(true);
       tree_touch(from_dir, from, TREE_NAME);
       tree_touch(to_dir, to, TREE_NAME), (from_dir, from, to_dir, to, flags))
MAKING(int, symlink, (const char *target, const char *path), tree_touch(AT_FDCWD, path, TREE_NAME),
       (target, path))
MAKING(int, symlinkat, (const char *target, int dir, const char *path),
       tree_touch(dir, path, TREE_NAME), (target, dir, path))
REMOVAL(int, unlink, (const char *path), tree_touch(AT_FDCWD, path, TREE_NAME), (path))
REMOVAL(int, unlinkat, (int dir, const char *path, int flags), tree_touch(dir, path, TREE_NAME),
	(dir, path, flags))
REMOVAL(int, remove, (const char *path), tree_touch(AT_FDCWD, path, TREE_NAME), (path))
REMOVAL(int, rmdir, (const char *path), tree_touch(AT_FDCWD, path, TREE_NAME), (path))
MAKING(int, mkdir, (const char *path, mode_t mode), tree_touch(AT_FDCWD, path, TREE_NAME),
       (path, mode))
MAKING(int, mkdirat, (int dir, const char *path, mode_t mode), tree_touch(dir, path, TREE_NAME),
       (dir, path, mode))
MAKING(int, mkfifo, (const char *path, mode_t mode), tree_touch(AT_FDCWD, path, TREE_NAME),
       (path, mode))
MAKING(int, mkfifoat, (int dir, const char *path, mode_t mode), tree_touch(dir, path, TREE_NAME),
       (dir, path, mode))
MAKING(int, mknod, (const char *path, mode_t mode, dev_t device),
       tree_touch(AT_FDCWD, path, TREE_NAME), (path, mode, device))
MAKING(int, mknodat, (int dir, const char *path, mode_t mode, dev_t device),
       tree_touch(dir, path, TREE_NAME), (dir, path, mode, device))
MAKING(char *, mkdtemp, (char *path), tree_touch(AT_FDCWD, path, TREE_NAME), (path))

CHANGE(int, chmod, (const char *path, mode_t mode), tree_touch(AT_FDCWD, path, TREE_FILE),
       (path, mode))
CHANGE(int, lchmod, (const char *path, mode_t mode), tree_touch(AT_FDCWD, path, TREE_LINK),
       (path, mode))
CHANGE(int, fchmod, (int fd, mode_t mode), change_fd(fd), (fd, mode))
CHANGE(int, fchmodat, (int dir, const char *path, mode_t mode, int flags),
       change_at(dir, path, flags), (dir, path, mode, flags))
CHANGE(int, chown, (const char *path, uid_t user, gid_t group),
       tree_touch(AT_FDCWD, path, TREE_FILE), (path, user, group))
CHANGE(int, lchown, (const char *path, uid_t user, gid_t group),
       tree_touch(AT_FDCWD, path, TREE_LINK), (path, user, group))
CHANGE(int, fchown, (int fd, uid_t user, gid_t group), change_fd(fd), (fd, user, group))
CHANGE(int, fchownat, (int dir, const char *path, uid_t user, gid_t group, int flags),
       change_at(dir, path, flags), (dir, path, user, group, flags))
CHANGE(int, utime, (const char *path, const struct utimbuf *times),
       tree_touch(AT_FDCWD, path, TREE_FILE), (path, times))
CHANGE(int, utimes, (const char *path, const struct timeval times[2]),
       tree_touch(AT_FDCWD, path, TREE_FILE), (path, times))
CHANGE(int, lutimes, (const char *path, const struct timeval times[2]),
       tree_touch(AT_FDCWD, path, TREE_LINK), (path, times))
CHANGE(int, futimes, (int fd, const struct timeval times[2]), change_fd(fd), (fd, times))
CHANGE(int, futimens, (int fd, const struct timespec times[2]), change_fd(fd), (fd, times))
CHANGE(int, futimesat, (int dir, const char *path, const struct timeval times[2]),
       change_at(dir, path, 0), (dir, path, times))
CHANGE(int, utimensat, (int dir, const char *path, const struct timespec times[2], int flags),
       change_at(dir, path, flags), (dir, path, times, flags))
CHANGE(int, setxattr, (const char *path, const char *name, const void *value, size_t n, int flags),
       tree_touch(AT_FDCWD, path, TREE_FILE), (path, name, value, n, flags))
CHANGE(int, lsetxattr, (const char *path, const char *name, const void *value, size_t n, int flags),
       tree_touch(AT_FDCWD, path, TREE_LINK), (path, name, value, n, flags))
CHANGE(int, fsetxattr, (int fd, const char *name, const void *value, size_t n, int flags),
       change_fd(fd), (fd, name, value, n, flags))
CHANGE(int, removexattr, (const char *path, const char *name),
       tree_touch(AT_FDCWD, path, TREE_FILE), (path, name))
CHANGE(int, lremovexattr, (const char *path, const char *name),
       tree_touch(AT_FDCWD, path, TREE_LINK), (path, name))
CHANGE(int, fremovexattr, (int fd, const char *name), change_fd(fd), (fd, name))

/* Functions that describe a file by its descriptor, for which a memory file would answer otherwise. */
CHANGE(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t n), tree_real(fd),
       (fd, name, value, n))
CHANGE(ssize_t, flistxattr, (int fd, char *list, size_t n), tree_real(fd), (fd, list, n))
CHANGE(int, fstatfs, (int fd, struct statfs *fs), tree_real(fd), (fd, fs))
CHANGE(int, fstatvfs, (int fd, struct statvfs *fs), tree_real(fd), (fd, fs))
CHANGE(long, fpathconf, (int fd, int name), tree_real(fd), (fd, name))
CHANGE(int, name_to_handle_at,
       (int dir, const char *path, struct file_handle *handle, int *mount, int flags),
       tree_real(dir), (dir, path, handle, mount, flags))

HOOK_ALIAS(fstatfs64, fstatfs);
HOOK_ALIAS(__fstatfs, fstatfs);
HOOK_ALIAS(fstatvfs64, fstatvfs);

/* --- by number */

#define NUMBER_FCHMODAT2 452	 /* of Linux 6.6: headers of 6.1 have no name for it */
#define NUMBER_SETXATTRAT 463	 /* of Linux 6.13 */
#define NUMBER_REMOVEXATTRAT 466 /* of Linux 6.13 */

static void touch_name(long dir, long path)
{
	tree_touch((int)dir, (const char *)path, TREE_NAME);
}

#ifdef SYS_open /* a machine that has the old calls, without a directory */
static bool old_call_changes(long number, const long *a)
{
	switch (number) {
	case SYS_rename:
	case SYS_link:
		ahead_drop();
		touch_name(AT_FDCWD, a[0]);
		touch_name(AT_FDCWD, a[1]);
		return true;
	case SYS_unlink:
	case SYS_rmdir:
		ahead_drop();
		touch_name(AT_FDCWD, a[0]);
		return true;
	case SYS_mkdir:
	case SYS_mknod:
		touch_name(AT_FDCWD, a[0]);
		return true;
	case SYS_symlink:
		touch_name(AT_FDCWD, a[1]);
		return true;
	case SYS_chmod:
	case SYS_chown:
	case SYS_utime:
	case SYS_utimes:
		tree_touch(AT_FDCWD, (const char *)a[0], TREE_FILE);
		return true;
	case SYS_lchown:
		tree_touch(AT_FDCWD, (const char *)a[0], TREE_LINK);
		return true;
	case SYS_futimesat:
		change_at((int)a[0], (const char *)a[1], 0);
		return true;
	default:
		return false;
	}
}
#else
static bool old_call_changes(long number, const long *a)
{
	(void)number;
	(void)a;
	return false;
}
#endif

static bool name_changes(long number, const long *a)
{
	switch (number) {
	case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
		ahead_drop();
		touch_name(a[0], a[1]);
		touch_name(a[2], a[3]);
		return true;
	case SYS_linkat:
		tree_real_all(true);
		touch_name(a[0], a[1]);
		touch_name(a[2], a[3]);
		return true;
	case SYS_unlinkat:
		ahead_drop();
		touch_name(a[0], a[1]);
		return true;
	case SYS_mkdirat:
	case SYS_mknodat:
		touch_name(a[0], a[1]);
		return true;
	case SYS_symlinkat:
		touch_name(a[1], a[2]);
		return true;
	default:
		return false;
	}
}

static bool attribute_changes(long number, const long *a)
{
	switch (number) {
	case SYS_fchmodat:
		change_at((int)a[0], (const char *)a[1], 0);
		return true;
	case NUMBER_FCHMODAT2:
	case SYS_utimensat:
		change_at((int)a[0], (const char *)a[1], (int)a[3]);
		return true;
	case SYS_fchownat:
		change_at((int)a[0], (const char *)a[1], (int)a[4]);
		return true;
	case NUMBER_SETXATTRAT:
	case NUMBER_REMOVEXATTRAT:
		change_at((int)a[0], (const char *)a[1], (int)a[2]);
		return true;
	case SYS_setxattr:
	case SYS_removexattr:
		tree_touch(AT_FDCWD, (const char *)a[0], TREE_FILE);
		return true;
	case SYS_lsetxattr:
	case SYS_lremovexattr:
		tree_touch(AT_FDCWD, (const char *)a[0], TREE_LINK);
		return true;
	default:
		return false;
	}
}

void change_number(long number, const long *a)
{
	if (old_call_changes(number, a) || name_changes(number, a) || attribute_changes(number, a))
		return;
	switch (number) {
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_fsetxattr:
	case SYS_fremovexattr:
		change_fd((int)a[0]);
		break;
	case SYS_fgetxattr:
	case SYS_flistxattr:
	case SYS_fstatfs:
	case SYS_name_to_handle_at:
		tree_real((int)a[0]);
		break;
	default:
		break;
	}
}
