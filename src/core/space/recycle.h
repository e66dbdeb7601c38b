/* SPDX-License-Identifier: MIT */
/*
 * Recycling a region, in this order: bump the generation (every location in it is stale from
 * here on), full fence, make sure that nobody pins it, detach its pages (INV-2). A recycler that died
 * leaves RECYCLING with an owner that is dead: any process may begin again from the top (INV-8).
 */
#ifndef CORE_RECYCLE_H
#define CORE_RECYCLE_H

#include "core/shared/region_lock.h"

/*
 * Take a region to FREE and keep it for the next caller that needs one: `wanted` if it can be recycled, else the
 * best. What is live in it is lost. 0; -EAGAIN: all are pinned; -ETIMEDOUT: the lock is not free; or
 * the storage's error. The caller holds signals back: a handler that left by siglongjmp() would leave
 * a region in RECYCLING for as long as this process lives.
 */
int recycle_region(struct rawcache *cache, uint32_t wanted);

/* How many regions the probation log has while the main log needs the others. */
uint32_t recycle_probation(const struct rawcache *cache);

/* Under the lock: the best victim that nobody pins, or -EAGAIN. */
int recycle_choose(struct rawcache *cache, uint32_t *victim);

/* Under the lock: make all locations in the region stale. */
void recycle_invalidate(struct rawcache *cache, struct region *region);

/* Whether something may be found in it: all but what was recycled in this boot. */
bool recycle_holds(const struct rawcache *cache, const struct region *region);

/* Under the lock: 0, or -ESTALE: others use the image with a segment of their own. */
int recycle_users_check(struct rawcache *cache);

#endif
