/* SPDX-License-Identifier: MIT */
/*
 * Closing and duplicating. The entry of a number dies before the kernel closes or replaces it:
 * the other way round another thread could be given the number in between.
 */
#include "shim/symbols.h"

#include <errno.h>

#include "base/sys.h"

#include "shim/attach.h"
#include "shim/fd.h"
#include "shim/handle.h"

/* NFS writes at close, and memory that was mapped for writing is written some time. */
static int close_writer(int fd, struct handle *taken)
{
	int ret;

	rawcache_file_changed(attach_cache_now(), &taken->stx);
	ret = NEXT(close)(fd);
	rawcache_file_changed(attach_cache_now(), &taken->stx);
	fd_put(taken);
	return ret;
}

static never_inline int close_tracked(int fd)
{
	struct handle *taken = fd_take(fd);

	if (fdtab_is_handle(taken) && taken->writer)
		return close_writer(fd, taken);
	fd_put(taken);
	return NEXT(close)(fd);
}

int close(int fd)
{
	/* a descriptor that the program never opened: as far as it can know there is none */
	if (unlikely(fd_is_own(fd))) {
		errno = EBADF;
		return -1;
	}
	return unlikely(fdtab_get(fd)) ? close_tracked(fd) : NEXT(close)(fd);
}

int dup(int fd)
{
	struct handle *held = fd_hold_copy(fd);
	int to = NEXT(dup)(fd);

	fd_copied(fd, to, held);
	return to;
}

static bool is_open(int fd)
{
	return sys_fcntl(fd, F_GETFD, 0) >= 0;
}

/*
 * The old meaning of `to` ends, unless the call is going to fail: then it stays what it was,
 * untracked at worst and with its position settled.
 */
static void replace_begin(int fd, int to)
{
	if (unlikely(fdtab_get(to)) && is_open(fd))
		fd_forget(to);
}

int dup2(int fd, int to)
{
	struct handle *held;
	int ret;

	if (fd == to)
		return NEXT(dup2)(fd, to);
	held = fd_hold_copy(fd);
	replace_begin(fd, to);
	ret = NEXT(dup2)(fd, to);
	fd_copied(fd, ret, held);
	return ret;
}

int dup3(int fd, int to, int flags)
{
	struct handle *held;
	int ret;

	if (fd == to)
		return NEXT(dup3)(fd, to, flags);
	held = fd_hold_copy(fd);
	replace_begin(fd, to);
	ret = NEXT(dup3)(fd, to, flags);
	fd_copied(fd, ret, held);
	return ret;
}

HOOK_ALIAS(__close, close);
HOOK_ALIAS(__dup2, dup2);
