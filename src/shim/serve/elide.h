/* SPDX-License-Identifier: MIT */
/*
 * Socket writes of cached bytes become transfers out of the image (sendfile).
 *
 * Where bytes may be cached ones is a guess: each thread remembers the buffers that it read into
 * last, and the engine knows its mappings. What makes it right is that the bytes are compared with
 * the cache's, under a pin, before those are sent. So the notes need no care: the buffer may have
 * been changed, freed and used again, the file may be another one by now.
 *
 * Stream sockets only (TCP and UNIX; socket_kind.h). Flags that sendfile() cannot express,
 * addresses and control data pass to the kernel.
 *
 * One call of the program may become several: what is not cached goes with MSG_MORE where more
 * follows. The first failure ends it; what was sent until then is the result. (Two threads that
 * write to one socket at the same time may find their bytes interleaved at other places than
 * before.)
 */
#ifndef SHIM_ELIDE_H
#define SHIM_ELIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/compiler.h"

#include "shim/table/attach.h"

#define ELIDE_NOTE_MIN 4096u /* a page: for less, looking is dearer than copying */

/* Note that the thread read `n` bytes at `offset` of the cache's file into `buf`. */
void elide_note_slow(uint64_t file, const void *buf, size_t n, uint64_t offset);
static inline void elide_note(uint64_t file, const void *buf, size_t n, uint64_t offset)
{
	if (n >= ELIDE_NOTE_MIN)
		elide_note_slow(file, buf, n, offset);
}

/*
 * Write to `fd`, with `flags` of send(2), if a transfer is cheaper. False: leave it to the kernel. True:
 * *done is the result, and errno is set.
 */
bool elide_vector_slow(int fd, const struct iovec *iov, size_t count, int flags, ssize_t *done);

static inline bool elide_buffer(int fd, const void *buf, size_t n, int flags, ssize_t *done)
{
	const struct iovec iov = { (void *)buf, n };

	if (likely(n < ELIDE_NOTE_MIN || !attach_active || !attach_cache_now()))
		return false;
	return elide_vector_slow(fd, &iov, 1, flags, done);
}

static inline bool elide_vector(int fd, const struct iovec *iov, size_t count, int flags,
				ssize_t *done)
{
	return unlikely(attach_active && attach_cache_now()) &&
	       elide_vector_slow(fd, iov, count, flags, done);
}

#endif
