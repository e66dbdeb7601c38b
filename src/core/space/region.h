/* SPDX-License-Identifier: MIT */
/*
 * Regions: the unit in which the image is written and recycled.
 *
 *   FREE -> ACTIVE -> SEALED -> RECYCLING -> FREE -> ...
 *
 * Space is cut from the ACTIVE region of a log by adding to its cursor, without a lock; space.h makes
 * extents of it. Changes of state happen under the runtime's region_lock. evict.h decides which region is
 * recycled, recycle.h does it. While one region is filled, the next is made ready, so that a fill does not
 * wait for recycling.
 */
#ifndef CORE_REGION_H
#define CORE_REGION_H

#include "core/shared/cache.h"

/* Space for one extent, pinned for the writer. */
struct extent {
	uint32_t page;
	uint32_t pages;
	uint32_t generation;
	int pin;
};

/*
 * Cut as many of `most` pages as the log's active region has left, but at least `least`. Each success owes
 * one region_release(). -EAGAIN: nothing can be recycled now (all regions are pinned), or no slot or pin is
 * left; -EROFS; or the storage's error. After one wait in vain, further calls of this process fail with
 * -EAGAIN at once for a second, unless a clean region is available.
 */
int region_alloc_most(struct rawcache *cache, enum region_log log, uint32_t least, uint32_t most,
		      struct extent *extent);

/* The number of clean regions that wait. */
uint32_t regions_waiting(const struct rawcache *cache);

void region_release(struct rawcache *cache, const struct extent *extent);

/* Invalidate everything in all regions. 0 or -errno. */
int region_drop_all(struct rawcache *cache);

#endif
