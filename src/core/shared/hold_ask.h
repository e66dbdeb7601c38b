/* SPDX-License-Identifier: MIT */
/*
 * Regions that are wanted back. Who recycles and finds that more than half of the regions are held notes in
 * the segment which of those that yield it would rather have taken, and wakes the watchers (watch.h): each puts the
 * origin's pages in the place of the image's and lets go (map_exchange.c). Nobody waits for an answer: until
 * then other regions are taken. An ask is forgotten after ASK_MS, or when there are more recent ones.
 */
#ifndef CORE_HOLD_ASK_H
#define CORE_HOLD_ASK_H

#include "core/shared/cache.h"

/* Whether so many regions are held that some should be given back. */
bool hold_crowded(const struct rawcache *cache);

/* Whether it is held, and all who do can let go of it. */
bool hold_yields(const struct rawcache *cache, uint32_t region);

void hold_ask(struct rawcache *cache, uint32_t region);

/* Whether the region is asked for; without one, whether any that we hold is. */
bool hold_asked(const struct rawcache *cache, uint32_t region);
bool hold_asked_own(const struct rawcache *cache);

#endif
