/* SPDX-License-Identifier: MIT */
/*
 * Holds: pins that last, for borrowed views and mappings of cached files. The runtime segment has a
 * row of bits for each process slot, one for each region (in images of more than RUNTIME_HOLDS_MAX
 * regions, one for a few neighbours, which are then held together). How often it holds a region
 * a process counts in its own memory: the bit is set before the first hold is used and cleared
 * after the last was given up. Like a pin, a hold is taken by a store, a full fence and a look at
 * the generation; the recycler bumps the generation, full fence, and looks (pin_any()). The row
 * of a process that died is cleared when its slot is folded.
 *
 * The cache keeps moving. A firm hold is given up when its owner is done with it: a process has such
 * holds of at most a quarter of the regions, and all together of at most half. What several hold counts
 * once. A yielding hold is of a mapping that can become the origin's at any time: there may be more
 * of them, and who needs their regions asks for them (hold_ask.h). A second row tells which bits are firm.
 */
#ifndef CORE_REGION_HOLD_H
#define CORE_REGION_HOLD_H

#include "core/shared/cache.h"

enum hold_kind { HOLD_FIRM, HOLD_YIELDS };

/* 0; -ESTALE: recycled meanwhile; -EAGAIN: too many are held; -EROFS: no slot. */
int hold_get(struct rawcache *cache, uint32_t region, uint32_t generation, enum hold_kind kind);

/* The same for who has called cache_slot_need(), which is a system call. */
int hold_get_more(struct rawcache *cache, uint32_t region, uint32_t generation, enum hold_kind kind);

/* Another one of a region that the caller holds: whatever generation it has, it is not detached. */
void hold_more(struct rawcache *cache, uint32_t region, enum hold_kind kind);

/* A yielding hold becomes a firm one; false: `limited`, and there are too many of these: it stays what it is. */
bool hold_firm(struct rawcache *cache, uint32_t region, bool limited);

/* Once for each success of this process; does nothing in a fork child that has no slot yet. */
void hold_put(struct rawcache *cache, uint32_t region, enum hold_kind kind);

/* Whether the process of a slot holds the region: HOLD_ALL, or HOLD_FIRMLY. */
static inline bool hold_of(const struct rawcache *cache, unsigned int set, uint32_t slot,
			   uint32_t region)
{
	uint32_t n = region >> cache->runtime.hold_shift;
	const uint64_t *row =
		cache->runtime.holds[set] + (size_t)slot * cache->runtime.hold_words;

	return load_acquire(&row[n / 64]) >> n % 64 & 1;
}

static inline bool hold_by(const struct rawcache *cache, uint32_t slot, uint32_t region)
{
	return hold_of(cache, HOLD_ALL, slot, region);
}

/* Bits that are set in any row of that kind. Those of slots that are not used have none. */
uint32_t holds_count(const struct rawcache *cache, unsigned int set);

/* We have a slot: we hold nothing yet, whatever our parent held. */
void hold_begin(struct rawcache *cache);
void hold_end(struct rawcache *cache);

/* The process of a slot is gone. */
void hold_clear(struct rawcache *cache, uint32_t slot);

#endif
