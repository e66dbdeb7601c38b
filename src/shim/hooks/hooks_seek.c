/* SPDX-License-Identifier: MIT */
/*
 * lseek(). Inside the known file, SEEK_SET and SEEK_CUR are arithmetic. Seeks outside of it, and those that
 * we cannot answer (limits of the file system, holes), go to the kernel, whose position is set first.
 */
#include "shim/libc/symbols.h"

#include "base/sys.h"

#include "shim/libc/thread.h"
#include "shim/files/look.h"
#include "shim/files/track.h"

/* `base` + `offset`, if that is inside [0, limit]. */
static bool seek_inside(uint64_t base, off_t offset, uint64_t limit, uint64_t *to)
{
	int64_t sum;

	if (__builtin_add_overflow((int64_t)base, offset, &sum) || sum < 0)
		return false;
	*to = (uint64_t)sum;
	return *to <= limit && *to <= POSITION_MAX;
}

/* The target of a seek from position `at`. False: ask the kernel. */
static bool seek_target(struct handle *handle, int fd, uint64_t at, off_t offset, int whence,
			uint64_t *to)
{
	uint64_t size = load_relaxed(&handle->size);
	struct statx stx;

	switch (whence) {
	case SEEK_SET:
		return seek_inside(0, offset, size, to);
	case SEEK_CUR:
		return seek_inside(at, offset, size > at ? size : at, to);
	case SEEK_END:
		if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx) ||
		    stx.stx_size > POSITION_MAX)
			return false;
		look_size(handle, stx.stx_size);
		return seek_inside(stx.stx_size, offset, stx.stx_size, to);
	default:
		return false;
	}
}

/* Returns the new position, or -1: ask the kernel. */
static off_t seek_user(struct handle *handle, int fd, off_t offset, int whence)
{
	uint64_t at;
	uint64_t to;

	if (load_acquire(&handle->file) == RAWCACHE_NO_FILE)
		return -1;
	while (position_adopt(&handle->position, fd, &at)) {
		if (!seek_target(handle, fd, at, offset, whence, &to))
			return -1;
		if (position_move(&handle->position, at, to))
			return (off_t)to;
	}
	return -1;
}

static never_inline off_t seek_tracked(int fd, off_t offset, int whence)
{
	struct handle *handle = track_get(fd);
	struct handle *lent;
	off_t to;

	if (!handle || thread_is_foreign())
		return NEXT(lseek)(fd, offset, whence);
	to = seek_user(handle, fd, offset, whence);
	if (to >= 0)
		return to;
	lent = fd_lend(fd);
	to = NEXT(lseek)(fd, offset, whence);
	if (to >= 0 && fdtab_is_handle(handle))
		store_relaxed(&handle->guess, (uint64_t)to);
	fd_return(lent);
	if (to >= 0 && whence == SEEK_END)
		look_size(handle, (uint64_t)(to - offset));
	return to;
}

off_t lseek(int fd, off_t offset, int whence)
{
	if (likely(!fdtab_get(fd)))
		return NEXT(lseek)(fd, offset, whence);
	return seek_tracked(fd, offset, whence);
}

HOOK_ALIAS(lseek64, lseek);
HOOK_ALIAS(__lseek, lseek);
HOOK_ALIAS(llseek, lseek);
