/* SPDX-License-Identifier: MIT */
/*
 * Rings that programs make by syscall(2) (libuv, for one), and what is submitted to them. Node.js makes
 * three of them at each start and changes epoll sets with them, which does not concern us. So the entries
 * that a call submits are inspected, in the queue that the program has mapped; the first one that could
 * open, close, read a file, or use a position is a sign (sign.h). A ring whose entries cannot be inspected
 * is a sign at once, and so is a ring that is made in other ways.
 */
#ifndef SHIM_RING_H
#define SHIM_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct io_uring_params;

extern unsigned int ring_count; /* number of rings that were ever noted */

/* io_uring_setup() has returned `fd` and these parameters. */
void ring_made(int fd, const struct io_uring_params *params);

/* `p` is a mapping of `fd` at `offset`. */
void ring_mapped_slow(int fd, unsigned long offset, const char *p);
static inline void ring_mapped(int fd, unsigned long offset, const void *p)
{
	if (unlikely(load_relaxed(&ring_count)) && fd >= 0)
		ring_mapped_slow(fd, offset, p);
}

/* `fd` is about to be closed, or its queue to change. */
void ring_closed_slow(int fd);
static inline void ring_closed(int fd)
{
	if (unlikely(load_relaxed(&ring_count)))
		ring_closed_slow(fd);
}

/* io_submit() is about to be called: a read in it is a sign, as a read of a ring is. */
void ring_aio(void *const *list, long count);

/* Up to `n` entries of `fd` are about to be submitted. Returns true if some of them may write to a file. */
bool ring_submits(int fd, unsigned int n, unsigned int flags);

#endif
