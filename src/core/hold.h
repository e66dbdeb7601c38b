/* SPDX-License-Identifier: MIT */
/*
 * Holds: pins that last, for borrowed views and mappings of cached files. Each process slot has a
 * counter for every region (for every SLOT_HOLDS-th, in large images: a hold then keeps more
 * than it has to). Like a pin, a hold is taken by a store, a full fence and a look at the
 * generation; the recycler bumps the generation, full fence, and looks (pin_any()). The counters
 * of a process that died are cleared when its slot is folded.
 *
 * A process holds at most a quarter of the regions, so that the cache keeps moving.
 */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/cache.h"

/* 0; -ESTALE: recycled meanwhile; -EAGAIN: too many are held; -EROFS: no slot. */
int hold_get(struct rawcache *cache, uint32_t region, uint32_t generation);

/* The same for who has called cache_slot_need(), which is a system call. */
int hold_get_more(struct rawcache *cache, uint32_t region, uint32_t generation);

/* Another one of a region that the caller holds: whatever generation it has, it is not detached. */
void hold_more(struct rawcache *cache, uint32_t region);

/* Once for each success of this process; does nothing in a fork child that has no slot yet. */
void hold_put(struct rawcache *cache, uint32_t region);

#endif
