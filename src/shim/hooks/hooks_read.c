/* SPDX-License-Identifier: MIT */
/*
 * One read(), downwards:
 *
 *	read()			hooks_read.c	is the descriptor tracked?
 *	read_fast()		hooks_read.c	the position in user space, one copy
 *	rawcache_file_read()	src/core	the cache's answer
 *	position_move()		position.h	the position moves on
 *
 * and when anything is out of the ordinary:
 *
 *	read_slow()		hooks_read.c
 *	serve_next()		serve.c		kernel positions, revalidation, end of file
 *	pass_read()		hooks_read.c	the kernel answers
 *
 * Cancellation: a read from the cache makes no system call, so the pending request is looked at
 * before anything is held, with pthread_testcancel(): one load of the thread's own memory. A
 * thread that is cancelled while it waits for the origin is acted upon at its next read.
 */
#include "shim/libc/symbols.h"

#include <pthread.h>

#include "base/guard.h"

#include "shim/serve/elide.h"
#include "shim/serve/serve.h"
#include "shim/libc/thread.h"
#include "shim/files/look.h"
#include "shim/files/track.h"
#include "shim/table/news.h"
#include "shim/table/sign.h"

static ssize_t pass_read(int fd, void *buf, size_t n)
{
	struct handle *lent = fd_lend(fd);
	ssize_t got = NEXT(read)(fd, buf, n);

	fd_return(lent);
	look_after(fd);
	return got;
}

static never_inline ssize_t read_slow(struct handle *handle, int fd, void *buf, size_t n)
{
	struct iovec iov = { buf, n };
	ssize_t got = SERVE_PASS;

	if (thread_enter()) {
		got = serve_next(handle, fd, &iov, 1);
		thread_leave();
	}
	return got >= 0 ? got : pass_read(fd, buf, n);
}

/* SERVE_PASS: read_slow() finds out why. */
static inline __attribute__((always_inline)) ssize_t read_fast(struct handle *handle, int fd,
							       void *buf, size_t n)
{
	uint64_t file = load_acquire(&handle->file);
	uint64_t at = load_acquire(&handle->position.word);
	ssize_t got;

	if (unlikely(!position_user(at) || file == RAWCACHE_NO_FILE || n - 1 >= SERVE_MAX ||
		     !guard_range(buf, n) || look_due(handle, n, at + n)))
		return SERVE_PASS;
	if (unlikely(!thread_enter()))
		return SERVE_PASS;
	got = rawcache_file_read(attach_cache_now(), file, fd, buf, n, at);
	if (unlikely(got <= 0 || fdtab_get(fd) != handle ||
		     !position_move(&handle->position, at, at + (uint64_t)got)))
		got = SERVE_PASS;
	else
		elide_note(file, buf, (size_t)got, at);
	thread_leave();
	return got;
}

static never_inline ssize_t read_tracked(int fd, void *buf, size_t n)
{
	struct handle *handle = track_get(fd);
	ssize_t got;

	if (unlikely(!handle || thread_is_foreign()))
		return news_from(NEXT(read)(fd, buf, n));
	pthread_testcancel();
	got = read_fast(handle, fd, buf, n);
	return likely(got >= 0) ? got : read_slow(handle, fd, buf, n);
}

ssize_t read(int fd, void *buf, size_t n)
{
	if (likely(!fdtab_get(fd)))
		return news_from(NEXT(read)(fd, buf, n));
	return read_tracked(fd, buf, n);
}

/* libc aborts the program if the buffer is too small. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	if (unlikely(n > room))
		return NEXT(__read_chk)(fd, buf, n, room);
	return read(fd, buf, n);
}

/*
 * SERVE_PASS: pread_slow() finds out why. If calls may pass the hooks (sign.h), the position tells nothing.
 */
static inline __attribute__((always_inline)) ssize_t pread_fast(struct handle *handle, int fd,
								void *buf, size_t n, off_t offset)
{
	uint64_t file = load_acquire(&handle->file);
	ssize_t got;

	if (unlikely(file == RAWCACHE_NO_FILE || n - 1 >= SERVE_MAX || !guard_range(buf, n) ||
		     sign_any() || look_due(handle, n, (uint64_t)offset + n)))
		return SERVE_PASS;
	if (unlikely(!thread_enter()))
		return SERVE_PASS;
	got = rawcache_file_read(attach_cache_now(), file, fd, buf, n, (uint64_t)offset);
	if (unlikely(got <= 0 || fdtab_get(fd) != handle))
		got = SERVE_PASS;
	else
		elide_note(file, buf, (size_t)got, (uint64_t)offset);
	thread_leave();
	return got;
}

static ssize_t pass_pread(int fd, void *buf, size_t n, off_t offset)
{
	ssize_t got = NEXT(pread)(fd, buf, n, offset);

	look_after(fd);
	return got;
}

static never_inline ssize_t pread_slow(struct handle *handle, int fd, void *buf, size_t n,
				       off_t offset)
{
	struct iovec iov = { buf, n };
	ssize_t got = SERVE_PASS;

	if (thread_enter()) {
		got = serve_at(handle, fd, &iov, 1, (uint64_t)offset);
		thread_leave();
	}
	return got >= 0 ? got : pass_pread(fd, buf, n, offset);
}

static never_inline ssize_t pread_tracked(int fd, void *buf, size_t n, off_t offset)
{
	struct handle *handle = track_get(fd);
	ssize_t got;

	if (unlikely(!handle || offset < 0))
		return NEXT(pread)(fd, buf, n, offset);
	pthread_testcancel();
	got = pread_fast(handle, fd, buf, n, offset);
	return likely(got >= 0) ? got : pread_slow(handle, fd, buf, n, offset);
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	if (likely(!fdtab_get(fd)))
		return NEXT(pread)(fd, buf, n, offset);
	return pread_tracked(fd, buf, n, offset);
}

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t room)
{
	if (unlikely(n > room))
		return NEXT(__pread_chk)(fd, buf, n, offset, room);
	return pread(fd, buf, n, offset);
}

HOOK_ALIAS(__read, read);
HOOK_ALIAS(pread64, pread);
HOOK_ALIAS(__pread64, pread);
HOOK_ALIAS(__pread64_chk, __pread_chk);
