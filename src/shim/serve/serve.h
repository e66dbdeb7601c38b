/* SPDX-License-Identifier: MIT */
/*
 * Answering reads of a tracked descriptor from the cache.
 *
 * All functions return the count, 0 at the end of the file, confirmed with the origin, or
 * SERVE_PASS: the kernel shall answer, with the position as it was. Errors are never made up
 * here; the kernel finds them itself. Callers are between thread_enter() and thread_leave().
 */
#ifndef SHIM_SERVE_H
#define SHIM_SERVE_H

#include <limits.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <rawcache/zerocopy.h>

#include "shim/table/handle.h"

#define SERVE_PASS (-1)
#define SERVE_MAX ((size_t)(INT_MAX & ~4095)) /* what the kernel transfers at most */

/* Read at `offset`; the position stays out of it. */
ssize_t serve_at(struct handle *handle, int fd, const struct iovec *iov, int count,
		 uint64_t offset);

/* Read at the position and move it on. */
ssize_t serve_next(struct handle *handle, int fd, const struct iovec *iov, int count);

/*
 * A transfer of up to `n` bytes at `offset` out of the cache; the position stays out of it.
 * False: the kernel shall do it. True: *done is the count, 0 at the confirmed end of the file, or
 * a negative errno value.
 */
bool serve_transfer(struct handle *handle, int fd, const struct rawcache_transfer *transfer,
		    uint64_t offset, size_t n, ssize_t *done);

/* The same at the position, which moves on. */
bool serve_transfer_next(struct handle *handle, int fd, const struct rawcache_transfer *transfer,
			 size_t n, ssize_t *done);

/* The cache's number of the file, looked at a moment ago; RAWCACHE_NO_FILE: not to be served. */
uint64_t serve_file(struct handle *handle, int fd);

#endif
