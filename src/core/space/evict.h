/* SPDX-License-Identifier: MIT */
/*
 * Eviction: S3-FIFO (J. Yang and others, "FIFO queues are all you need for cache eviction", 2023)
 * over regions.
 *
 * Regions belong to one of two logs. New data go to the probation log, which gives up its oldest
 * region whenever it has more than a tenth of all (more in small images: what is read ahead must
 * find room in it), else the main log does. A region is emptied
 * before it is recycled: extents that were visited since they were stored are moved to the main
 * log, with one visit less (they count to three); the others are dropped, those of the probation log
 * with a ghost (ghost.h), by which they come to the main log at once if they are fetched again. So
 * what is read once passes through a tenth of the cache and leaves what is read again alone.
 *
 * Moving: the bytes are read, compared with the entry's checksum, written to an extent of the main log, and
 * the entry is changed if it is still the same; only then is the region recycled. Nothing is overwritten
 * before its generation is bumped, so a process that dies in between, at whatever point, or is stopped there
 * for hours, has merely moved less.
 *
 * A victim of which seven eighths or more were visited becomes the youngest region of the main log as
 * it is: that costs no I/O, and what was not visited gets another chance.
 *
 * While a region fills up, the threads that cut extents from it empty the next victim, each a piece in
 * proportion to what it has cut: at most two regions are moved for each one that is opened. Threads that store
 * in the background begin at a quarter, the program's own at half. When a region is needed at once, extents
 * that were not moved yet are dropped beyond a region's worth of them.
 *
 * One process at a time does this (evict_owner), so that neighbours stay neighbours. The owner may
 * be dead, which the next one sees, or stopped: then regions are recycled without being emptied.
 */
#ifndef CORE_EVICT_H
#define CORE_EVICT_H

#include "core/space/region.h"

/* Call after an extent of `pages` pages was cut: does a step towards the next clean region. */
void evict_step(struct rawcache *cache, uint32_t pages);

/*
 * Make at least one clean region now. `tries`: how often the caller has tried before. 0; -EAGAIN: not now;
 * or an error of recycle_region().
 */
int evict_now(struct rawcache *cache, unsigned int tries);

/* Call when a region was opened for new data: renews the credit of pages that may be moved. */
void evict_credit(struct rawcache *cache);

/* Call in a thread that only stores: no program waits for it, so it may do longer steps. */
void evict_background(void);

#endif
