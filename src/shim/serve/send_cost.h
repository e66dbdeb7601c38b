/* SPDX-License-Identifier: MIT */
/*
 * What it costs to write bytes to a socket, and what it costs to compare them with the cache's and let the
 * kernel send those: processor time of the thread, by size and kind. The cheaper way is taken; now and then
 * the other one is, so that the figures stay true. A size that was fixed (RAWCACHE_MMAP_THRESHOLD,
 * `rawcache set`) is obeyed instead. The figures are updated without locks on purpose: a lost sample does
 * no harm.
 */
#ifndef SHIM_SEND_COST_H
#define SHIM_SEND_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEND_MIN 16384u /* smaller writes are not considered if no size was fixed */

enum send_cost_way { SEND_WRITE, SEND_TRANSFER };

/* Bits of a kind. */
enum { SEND_TCP = 1, SEND_MAPPED = 2, SEND_KINDS = 4 };

struct send_cost {
	uint32_t *figure; /* the figure that is being measured; NULL: none */
	uint64_t start;
};

/* Choose the way for `n` bytes. If it sets cost->figure, send_cost_learn() must be called with the result. */
enum send_cost_way send_cost_choose(unsigned int kind, size_t n, struct send_cost *cost);
void send_cost_learn(const struct send_cost *cost, size_t sent);

#endif
