/* SPDX-License-Identifier: MIT */
/* Vectored reads: like hooks_read.c, with a copy of the program's list of buffers. */
#include "shim/libc/symbols.h"

#include <pthread.h>

#include "base/guard.h"

#include "shim/serve/serve.h"
#include "shim/libc/thread.h"
#include "shim/files/look.h"
#include "shim/files/track.h"
#include "shim/table/news.h"

#define VECTOR_MAX 64 /* longer lists go to the kernel: we may use little of a small stack */

/* `offset` < 0: at the position. */
static ssize_t serve_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct handle *handle = track_get(fd);
	struct iovec copy[VECTOR_MAX];
	ssize_t got = SERVE_PASS;

	if (!handle || count <= 0 || count > VECTOR_MAX || thread_is_foreign())
		return SERVE_PASS;
	pthread_testcancel();
	if (!thread_enter())
		return SERVE_PASS;
	/* if the list is at a bad address, the kernel refuses it */
	if (!guard_copy(copy, iov, (size_t)count * sizeof(*iov)))
		got = offset < 0 ? serve_next(handle, fd, copy, count) :
				   serve_at(handle, fd, copy, count, (uint64_t)offset);
	thread_leave();
	return got;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
	ssize_t got = unlikely(fdtab_get(fd)) ? serve_vector(fd, iov, count, -1) : SERVE_PASS;
	struct handle *lent;

	if (got >= 0)
		return got;
	lent = fd_lend(fd);
	got = NEXT(readv)(fd, iov, count);
	fd_return(lent);
	look_after(fd);
	return news_from(got);
}

ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	ssize_t got = SERVE_PASS;

	if (unlikely(fdtab_get(fd)) && offset >= 0)
		got = serve_vector(fd, iov, count, offset);
	if (got >= 0)
		return got;
	got = NEXT(preadv)(fd, iov, count, offset);
	look_after(fd);
	return got;
}

/* Offset -1 is the position; any flag (RWF_NOWAIT, RWF_HIPRI, ...) is for the kernel. */
ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct handle *lent = NULL;
	ssize_t got = SERVE_PASS;

	if (unlikely(fdtab_get(fd)) && offset >= -1 && !flags)
		got = serve_vector(fd, iov, count, offset);
	if (got >= 0)
		return got;
	if (offset == -1)
		lent = fd_lend(fd);
	got = NEXT(preadv2)(fd, iov, count, offset, flags);
	fd_return(lent);
	look_after(fd);
	return news_from(got);
}

HOOK_ALIAS(preadv64, preadv);
HOOK_ALIAS(preadv64v2, preadv2);
