/* SPDX-License-Identifier: MIT */
/*
 * Closing and duplicating. The entry of a number is removed before the kernel closes or replaces it: in the
 * other order, another thread could get the number in between.
 */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "base/sys.h"

#include "shim/table/attach.h"
#include "shim/files/fd.h"
#include "shim/table/handle.h"
#include "shim/table/ring.h"

/* NFS writes at close; memory that was mapped for writing is written at some later time. */
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

	if (fdtab_is_handle(taken) && handle_is_writer(taken))
		return close_writer(fd, taken);
	fd_put(taken);
	return NEXT(close)(fd);
}

int close(int fd)
{
	/* the program never opened this descriptor: for the program it does not exist */
	if (unlikely(fd_is_own(fd))) {
		errno = EBADF;
		return -1;
	}
	ring_closed(fd);
	return unlikely(fdtab_get(fd)) ? close_tracked(fd) : NEXT(close)(fd);
}

/* A queue is a descriptor, and libc does not look whether this one is. */
int mq_close(mqd_t queue)
{
	return close(queue);
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
 * If two threads replace one number at the same time, only the kernel knows which was last: then the number
 * is not tracked. A word that several numbers share counts the threads that replace, and has a bit that
 * says that there were two.
 */
#define REPLACED_TWICE (1u << 31)
static uint32_t replacing[256];

static uint32_t *replacing_at(int to)
{
	return &replacing[(unsigned int)to % ARRAY_SIZE(replacing)];
}

/*
 * The old meaning of `to` ends, unless the call is going to fail: then it stays, at worst untracked and
 * with its position set in the kernel.
 */
static void replace_begin(int fd, int to)
{
	uint32_t *word = replacing_at(to);
	uint32_t seen = load_relaxed(word);

	while (!cas(word, &seen, seen ? (seen + 1) | REPLACED_TWICE : 1))
		;
	if (unlikely(fdtab_get(to)) && is_open(fd))
		fd_forget(to);
}

/* Do not track the number; the position of the file that it may duplicate becomes the kernel's. */
static void replace_doubt(int fd, int to)
{
	if (to < 0)
		return;
	fd_share(fd);
	fd_forget(to);
}

static void replace_end(int fd, int to, int ret, struct handle *held)
{
	uint32_t *word = replacing_at(to);
	bool doubt = false;
	uint32_t seen;

	fd_copied(fd, ret, held);
	seen = load_acquire(word);
	/* the last thread clears the word */
	do {
		if (unlikely(seen & REPLACED_TWICE) && !doubt) {
			replace_doubt(fd, ret);
			doubt = true;
		}
	} while (!cas(word, &seen, (seen & ~REPLACED_TWICE) == 1 ? 0 : seen - 1));
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
	replace_end(fd, to, ret, held);
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
	replace_end(fd, to, ret, held);
	return ret;
}

HOOK_ALIAS(__close, close);
HOOK_ALIAS(__dup2, dup2);
