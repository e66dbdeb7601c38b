/* SPDX-License-Identifier: MIT */
/* What region.c, recycle.c and evict.c share: the lock, and checks of numbers in shared memory. */
#ifndef CORE_REGION_LOCK_H
#define CORE_REGION_LOCK_H

#include "base/compiler.h"
#include "base/critical.h"
#include "core/shared/cache.h"

#define REGION_NONE UINT32_MAX /* an image has fewer regions */

static inline struct runtime_header *header_of(const struct rawcache *cache)
{
	return cache->runtime.header;
}

static inline int regions_lock(struct rawcache *cache, struct critical *critical)
{
	int err;

	critical_enter(critical);
	err = runtime_lock(&header_of(cache)->region_lock);
	if (err)
		critical_leave(critical);
	return err;
}

static inline void regions_unlock(struct rawcache *cache, struct critical *critical)
{
	runtime_unlock(&header_of(cache)->region_lock);
	critical_leave(critical);
}

/*
 * The number of the next opening. Must be called under the lock. Others may read the last number at any
 * time.
 */
static inline uint64_t region_order_next(struct rawcache *cache)
{
	uint64_t order = load_relaxed(&cache->image.state->order) + 1;

	store_relaxed(&cache->image.state->order, order);
	return order;
}

/* A region number from shared memory, checked; or REGION_NONE. */
static inline uint32_t region_checked(const struct rawcache *cache, uint32_t number_plus_one)
{
	return number_plus_one && number_plus_one <= cache->image.sb.region_count ?
		       number_plus_one - 1 :
		       REGION_NONE;
}

#endif
