/* SPDX-License-Identifier: MIT */
/*
 * stat() and its family. The kernel answers them; but attributes that the program has seen end the bytes of
 * other versions: a server that keeps files open looks at their names, and sends as many bytes as it was
 * told.
 */
#include "shim/libc/symbols.h"

#include "base/clock.h"
#include "base/sys.h"

#include "shim/files/look.h"
#include "shim/files/names.h"
#include "shim/files/tree.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"

#define STATX_NEEDED (STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME)
#define NO_FD (-1)

/* With other flags the answer is EINVAL; AT_STATX_FORCE_SYNC asks the server. */
#define STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)
#define STATX_FLAGS (STAT_FLAGS | AT_STATX_DONT_SYNC)

#if defined(__x86_64__)
#define STAT_VERSION 1 /* _STAT_VER of glibc, which newer <sys/stat.h> do not have */
#else
#define STAT_VERSION 0
#endif

/* The attributes were asked for by `fd`, or by a name. */
static never_inline void seen_slow(int fd, const struct statx *stx, uint64_t now)
{
	struct handle *handle = fdtab_get(fd);

	if (thread_is_foreign() || !thread_enter())
		return;
	look_seen(fdtab_is_handle(handle) ? handle : NULL, stx, now);
	thread_leave();
}

static inline int seen(int fd, int ret, struct stat *st, uint64_t now)
{
	struct statx stx;

	if (!ret && unlikely(load_relaxed(&handle_frozen)) && fdtab_is_handle(fdtab_get(fd)) &&
	    fdtab_get(fd)->frozen) {
		tree_fstat(fdtab_get(fd), st);
		return ret;
	}
	if (ret || likely(!attach_cache_now()) || !S_ISREG(st->st_mode))
		return ret;
	stx.stx_dev_major = gnu_dev_major(st->st_dev);
	stx.stx_dev_minor = gnu_dev_minor(st->st_dev);
	stx.stx_ino = st->st_ino;
	stx.stx_size = (uint64_t)st->st_size;
	stx.stx_mtime.tv_sec = st->st_mtim.tv_sec;
	stx.stx_mtime.tv_nsec = (uint32_t)st->st_mtim.tv_nsec;
	stx.stx_ctime.tv_sec = st->st_ctim.tv_sec;
	stx.stx_ctime.tv_nsec = (uint32_t)st->st_ctim.tv_nsec;
	seen_slow(fd, &stx, now);
	return ret;
}

/* The time before the kernel is asked, if that is known to matter: attributes are no older than that. */
static inline uint64_t now_for(int fd)
{
	return likely(!fdtab_get(fd)) ? 0 : clock_coarse_ms();
}

/* The descriptor that a call is about if its path is empty; else -1. */
static inline int fd_of(int dir, const char *path, int flags)
{
	__asm__("" : "+r"(path)); /* the headers declare it nonnull, but the kernel allows NULL */
	return flags & AT_EMPTY_PATH && (!path || !*path) ? dir : NO_FD;
}

int fstat(int fd, struct stat *st)
{
	uint64_t now = now_for(fd);

	return seen(fd, NEXT(fstat)(fd, st), st, now);
}

int stat(const char *path, struct stat *st)
{
	int ret;

	if (tree_stat(AT_FDCWD, path, 0, st, &ret))
		return ret;
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return seen(NO_FD, names_missed(path, NEXT(stat)(path, st)), st, 0);
}

int lstat(const char *path, struct stat *st)
{
	int ret;

	if (tree_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, st, &ret))
		return ret;
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return seen(NO_FD, names_missed(path, NEXT(lstat)(path, st)), st, 0);
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	uint64_t now = now_for(dir);
	int ret;

	if (tree_stat(dir, path, flags, st, &ret))
		return ret;
	if (!(flags & ~STAT_FLAGS) && names_absent(dir, path, NAMES_LOOK))
		return -1;
	ret = names_missed(path, NEXT(fstatat)(dir, path, st, flags));
	return ret ? ret : seen(fd_of(dir, path, flags), ret, st, now);
}

int statx(int dir, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	uint64_t now = now_for(dir);
	int ret;

	if (tree_statx(dir, path, flags, mask, stx, &ret))
		return ret;
	if (!(flags & ~STATX_FLAGS) && !(mask & STATX__RESERVED) &&
	    names_absent(dir, path, NAMES_LOOK))
		return -1;
	ret = names_missed(path, NEXT(statx)(dir, path, flags, mask, stx));
	if (!ret && unlikely(load_relaxed(&handle_frozen)) && fd_of(dir, path, flags) >= 0 &&
	    fdtab_is_handle(fdtab_get(dir)))
		tree_fstatx(fdtab_get(dir), mask, stx);
	if (!ret && unlikely(attach_cache_now()) &&
	    (stx->stx_mask & STATX_NEEDED) == STATX_NEEDED && S_ISREG(stx->stx_mode))
		seen_slow(fd_of(dir, path, flags), stx, now);
	return ret;
}

/* Programs that were built for glibc 2.32 or older call these. */

int __fxstat(int version, int fd, struct stat *st)
{
	uint64_t now = now_for(fd);

	return seen(fd, NEXT(__fxstat)(version, fd, st), st, now);
}

int __xstat(int version, const char *path, struct stat *st)
{
	int ret;

	if (version == STAT_VERSION && tree_stat(AT_FDCWD, path, 0, st, &ret))
		return ret;
	if (version == STAT_VERSION && names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return seen(NO_FD, names_missed(path, NEXT(__xstat)(version, path, st)), st, 0);
}

int __lxstat(int version, const char *path, struct stat *st)
{
	int ret;

	if (version == STAT_VERSION && tree_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, st, &ret))
		return ret;
	if (version == STAT_VERSION && names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return seen(NO_FD, names_missed(path, NEXT(__lxstat)(version, path, st)), st, 0);
}

int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags)
{
	uint64_t now = now_for(dir);
	int ret;

	if (version == STAT_VERSION && tree_stat(dir, path, flags, st, &ret))
		return ret;
	if (version == STAT_VERSION && !(flags & ~STAT_FLAGS) &&
	    names_absent(dir, path, NAMES_LOOK))
		return -1;
	ret = names_missed(path, NEXT(__fxstatat)(version, dir, path, st, flags));
	return ret ? ret : seen(fd_of(dir, path, flags), ret, st, now);
}

HOOK_ALIAS(fstat64, fstat);
HOOK_ALIAS(stat64, stat);
HOOK_ALIAS(lstat64, lstat);
HOOK_ALIAS(fstatat64, fstatat);
HOOK_ALIAS(__fxstat64, __fxstat);
HOOK_ALIAS(__xstat64, __xstat);
HOOK_ALIAS(__lxstat64, __lxstat);
HOOK_ALIAS(__fxstatat64, __fxstatat);
