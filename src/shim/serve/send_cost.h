/* SPDX-License-Identifier: MIT */
/*
 * What it costs to write bytes to a socket, and to compare them with the cache and have the kernel
 * send the cache's: in processor time of the thread, by size and kind. The cheaper way is taken;
 * now and then the other one is, so that the figures stay true. A size that was fixed
 * (RAWCACHE_MMAP_THRESHOLD, `rawcache set`) is obeyed instead.
 *
 * Figures are racy on purpose: a lost sample is no loss.
 */
#ifndef SHIM_SEND_COST_H
#define SHIM_SEND_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRICE_MIN 16384u /* less is not looked at when nobody fixed a size */

enum send_cost_way { PRICE_WRITE, PRICE_TRANSFER };

/* Bits of a kind. */
enum { PRICE_TCP = 1, PRICE_MAPPED = 2, PRICE_KINDS = 4 };

struct price {
	uint32_t *cost; /* what is being measured; NULL: nothing */
	uint64_t start;
};

/* The way for `n` bytes. If price->cost is set, send_cost_learn() has to hear what came of it. */
enum send_cost_way send_cost_choose(unsigned int kind, size_t n, struct price *price);
void send_cost_learn(const struct price *price, size_t sent);

#endif
