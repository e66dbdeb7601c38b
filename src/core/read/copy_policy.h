/* SPDX-License-Identifier: MIT */
/*
 * How bytes come out of the image: copied from its mapping, or by pread(). A chunk whose pages are in our
 * page tables is always copied. For another one the mapping has a price (check whether the pages are in
 * memory, put them into the page tables) that is worth paying from a certain size on.
 * RAWCACHE_MMAP_THRESHOLD and `rawcache set` fix that size. With `auto`, both ways are timed at such first
 * touches, by size, and the cheaper one is taken; one first touch in COPY_EXPLORE goes the other way, so
 * that the figures stay true. None of this is on the path of a resident chunk. The figures are updated
 * without locks on purpose: a lost sample does no harm.
 */
#ifndef CORE_COPY_POLICY_H
#define CORE_COPY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "core/shared/embedded.h"

struct rawcache;

enum copy_way { COPY_PREAD, COPY_MAP };

void copy_policy_init(struct copy_policy_costs *costs);

/* Choose the way for a first touch of `n` bytes. */
enum copy_way copy_policy_choose(struct rawcache *cache, uint32_t n);

/* Report that this way took `ns`. A read that waited for a disk must not be reported. */
void copy_policy_learn(struct copy_policy_costs *costs, enum copy_way way, uint32_t n, uint64_t ns);

/* The threshold in force, in bytes. */
uint64_t copy_policy_threshold(const struct rawcache *cache);
/* The threshold that was set, or RAWCACHE_AUTO. */
uint64_t copy_policy_threshold_fixed(const struct rawcache *cache);

/* Measure how fast the tick counter runs; cheap, called now and then. */
void copy_policy_calibrate(struct copy_policy_costs *costs);

/* Whether a copy that took this long may have waited for the disk: more than 10 us, and 1 ns a byte. */
static inline bool copy_policy_slow(const struct copy_policy_costs *costs, uint32_t n,
				    uint64_t ticks)
{
	uint64_t per_us = load_relaxed(&costs->ticks_per_us);

	return ticks > per_us * (10 + (n >> 10)) && per_us;
}

/*
 * Whether the thread has waited for the disk since it asked for the last time, and not only lost its processor for a
 * while, as on a busy machine: a page fault for which the kernel read is counted. It may have been the program's own.
 */
bool copy_policy_waited(void);

#endif
