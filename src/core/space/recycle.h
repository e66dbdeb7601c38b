/* SPDX-License-Identifier: MIT */
/*
 * Recycling a region, in this order: bump the generation (every location in the region is stale from here
 * on), full fence, make sure that nobody pins it, detach its pages (INV-2). A recycler that dies leaves
 * RECYCLING with a dead owner: any process may begin again from the top (INV-8).
 */
#ifndef CORE_RECYCLE_H
#define CORE_RECYCLE_H

#include "core/shared/region_lock.h"

/*
 * Make a region FREE and keep it for the next caller that needs one: `wanted` if it can be recycled, else
 * the best victim. Its live extents are lost. 0; -EAGAIN: all are pinned; -ETIMEDOUT: the lock is not free;
 * or the storage's error. The caller must hold signals back: a handler that left by siglongjmp() would
 * leave the region in RECYCLING for as long as this process lives.
 */
int recycle_region(struct rawcache *cache, uint32_t wanted);

/* How many regions the probation log has when the main log needs all others. */
uint32_t recycle_probation(const struct rawcache *cache);

/* Under the lock: the best victim that nobody pins, or -EAGAIN. */
int recycle_choose(struct rawcache *cache, uint32_t *victim);

/* Under the lock: make all locations in the region stale. */
void recycle_invalidate(struct rawcache *cache, struct region *region);

/*
 * Whether something may be found in the region. Only a region that was recycled in this boot surely holds
 * nothing.
 */
bool recycle_holds(const struct rawcache *cache, const struct region *region);

/* Under the lock: 0, or -ESTALE: other processes use the image through a segment of their own. */
int recycle_users_check(struct rawcache *cache);

#endif
