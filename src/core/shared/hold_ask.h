/* SPDX-License-Identifier: MIT */
/*
 * Regions that are wanted back. If more than half of the regions are held, a recycler notes in the segment which of
 * the yielding ones it would rather have taken, and wakes the watchers (watch.h). Each watcher puts the origin's
 * pages in the place of the image's and releases its hold (map_exchange.c). Nobody waits for an answer: meanwhile
 * other regions are taken. An ask is forgotten after ASK_MS, or when there are RUNTIME_ASKS more recent ones.
 */
#ifndef CORE_HOLD_ASK_H
#define CORE_HOLD_ASK_H

#include "core/shared/cache.h"

/* Whether so many regions are held that some must be asked for. */
bool hold_crowded(const struct rawcache *cache);

/* Whether the region is held, and only by holds that yield. */
bool hold_yields(const struct rawcache *cache, uint32_t region);

void hold_ask(struct rawcache *cache, uint32_t region);

/* hold_asked(): whether the region is asked for. hold_asked_own(): whether any region that we hold is. */
bool hold_asked(const struct rawcache *cache, uint32_t region);
bool hold_asked_own(const struct rawcache *cache);

#endif
