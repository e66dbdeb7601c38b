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

#include <rawcache/file.h>

#include "shim/handle.h"

#define SERVE_PASS (-1)
#define SERVE_MAX ((size_t)(INT_MAX & ~4095)) /* what the kernel transfers at most */

/* Read at `offset`; the position stays out of it. */
ssize_t serve_at(struct handle *handle, int fd, const struct iovec *iov, int count,
		 uint64_t offset);

/* Read at the position and move it on. */
ssize_t serve_next(struct handle *handle, int fd, const struct iovec *iov, int count);

#endif
