/* SPDX-License-Identifier: MIT */
/*
 * Answers reads of a tracked descriptor from the cache. All functions return the count; 0 at the end of the
 * file, confirmed with the origin; or SERVE_PASS: the kernel must answer, with the position as it was.
 * Errors are never made up here: the kernel finds them itself. Callers are between thread_enter() and
 * thread_leave().
 */
#ifndef SHIM_SERVE_H
#define SHIM_SERVE_H

#include <limits.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <rawcache/zerocopy.h>

#include "shim/table/handle.h"

#define SERVE_PASS (-1)			      /* no count and no errno value: the kernel is asked */
#define SERVE_MAX ((size_t)(INT_MAX & ~4095)) /* the most that the kernel transfers */

/* Read at `offset`; the position is not used. */
ssize_t serve_at(struct handle *handle, int fd, const struct iovec *iov, int count,
		 uint64_t offset);

/* Read at the position and move it. */
ssize_t serve_next(struct handle *handle, int fd, const struct iovec *iov, int count);

/*
 * Transfer up to `n` bytes at `offset` out of the cache; the position is not used. False: leave it to the
 * kernel. True: *done is the count, 0 at the confirmed end of the file, or -errno.
 */
bool serve_transfer(struct handle *handle, int fd, const struct rawcache_transfer *transfer,
		    uint64_t offset, size_t n, ssize_t *done);

/* The same at the position, which is moved. */
bool serve_transfer_next(struct handle *handle, int fd, const struct rawcache_transfer *transfer,
			 size_t n, ssize_t *done);

/* The cache's number of the file, after a look; RAWCACHE_NO_FILE: it must not be served. */
uint64_t serve_file(struct handle *handle, int fd);

#endif
