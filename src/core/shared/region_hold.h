/* SPDX-License-Identifier: MIT */
/*
 * Holds: pins that last, for borrowed views and mappings of cached files. The runtime segment has a
 * row of bits for each process slot, one for each region (in images of more than RUNTIME_HOLDS_MAX
 * regions, one for a few neighbours, which are then held together). Each process counts its holds of
 * a region in its own memory: the bit is set before the first hold is used and cleared after the
 * last is released. Like a pin, a hold is taken by a store, a full fence and a check of the
 * generation; the recycler bumps the generation, full fence, and checks (pin_any(); INV-2, INV-3).
 * The row of a process that died is cleared when its slot is folded.
 *
 * Firm holds last until their owner releases them. They are limited, so that regions can always be recycled: one
 * process firmly holds at most a quarter of the regions, and all processes together at most half. A region that
 * several processes hold counts once. Yielding holds belong to mappings that can be replaced by the origin's pages at
 * any time. There may be more of them: a process that needs their regions asks for them (hold_ask.h). A second row of
 * bits tells which holds are firm.
 */
#ifndef CORE_REGION_HOLD_H
#define CORE_REGION_HOLD_H

#include "core/shared/cache.h"

enum hold_kind { HOLD_FIRM, HOLD_YIELDS };

/*
 * 0; -ESTALE: the region was recycled; -EAGAIN: too many regions are held; -EROFS: this process has no
 * slot.
 */
int hold_get(struct rawcache *cache, uint32_t region, uint32_t generation, enum hold_kind kind);

/* The same for callers that have called cache_slot_need() before, which is a system call. */
int hold_get_more(struct rawcache *cache, uint32_t region, uint32_t generation,
		  enum hold_kind kind);

/* Add a hold of a region that the caller holds already. It cannot fail: a held region is not detached. */
void hold_more(struct rawcache *cache, uint32_t region, enum hold_kind kind);

/*
 * Turn a yielding hold into a firm one. Returns false if `limited` and there are too many firm ones: it
 * then still yields.
 */
bool hold_firm(struct rawcache *cache, uint32_t region, bool limited);

/*
 * Release a hold: once for each success in this process. Does nothing in a fork child that has no slot yet.
 */
void hold_put(struct rawcache *cache, uint32_t region, enum hold_kind kind);

/* Whether the process of a slot holds the region, by the set HOLD_ALL or HOLD_FIRMLY. */
static inline bool hold_of(const struct rawcache *cache, unsigned int set, uint32_t slot,
			   uint32_t region)
{
	uint32_t n = region >> cache->runtime.hold_shift;
	const uint64_t *row = cache->runtime.holds[set] + (size_t)slot * cache->runtime.hold_words;

	return load_acquire(&row[n / 64]) >> n % 64 & 1;
}

static inline bool hold_by(const struct rawcache *cache, uint32_t slot, uint32_t region)
{
	return hold_of(cache, HOLD_ALL, slot, region);
}

/* The number of bits that are set in any row of that set. Rows of unused slots have none. */
uint32_t holds_count(const struct rawcache *cache, unsigned int set);

/* Call when this process has taken a slot: its rows are empty, also in a fork child. */
void hold_begin(struct rawcache *cache);
void hold_end(struct rawcache *cache);

/* Call when the process of a slot is gone. */
void hold_clear(struct rawcache *cache, uint32_t slot);

#endif
