/* SPDX-License-Identifier: MIT */
/*
 * Which way bytes come out of the image: copied from its mapping, or by pread().
 *
 * A chunk whose pages are in our page tables is always copied. For one that is not, the
 * mapping has a price (look whether the pages are in memory, put them into the page tables) that
 * pays from a certain size on. RAWCACHE_MMAP_THRESHOLD and `rawcache set` fix that size; with
 * `auto` both ways are timed at such first touches, by size, and the cheaper one is taken; one
 * first touch in WAY_EXPLORE goes the other way, so that the figures stay true. Nothing of this
 * is on the path of a resident chunk.
 *
 * Figures are racy on purpose: a lost sample is no loss.
 */
#ifndef CORE_COPY_POLICY_H
#define CORE_COPY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "core/shared/embedded.h"

struct rawcache;

enum way { COPY_PREAD, COPY_MAP };

void copy_policy_init(struct copy_policy_costs *costs);

/* The way for a first touch of `n` bytes. */
enum way copy_policy_choose(struct rawcache *cache, uint32_t n);

/* That way took `ns`. What waited for a disk does not count. */
void copy_policy_learn(struct copy_policy_costs *costs, enum way way, uint32_t n, uint64_t ns);

/* The threshold in force: bytes. */
uint64_t copy_policy_threshold(const struct rawcache *cache);
/* The size that was asked for, or RAWCACHE_AUTO. */
uint64_t copy_policy_threshold_fixed(const struct rawcache *cache);

/* Find out how fast the tick counter runs; cheap, called now and then. */
void copy_policy_calibrate(struct copy_policy_costs *costs);

/* Whether a copy that took so long must have waited for the disk: 10 us, and 1 ns a byte. */
static inline bool copy_policy_slow(const struct copy_policy_costs *costs, uint32_t n,
				    uint64_t ticks)
{
	uint64_t per_us = load_relaxed(&costs->ticks_per_us);

	return ticks > per_us * (10 + (n >> 10)) && per_us;
}

#endif
