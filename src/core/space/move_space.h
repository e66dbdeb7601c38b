/* SPDX-License-Identifier: MIT */
/*
 * Space in the main log for an extent that is moved (evict.h): nothing is recycled for it.
 *
 * Whole chunks are cut one behind the other, so that neighbours stay neighbours. What is smaller comes from the
 * rests of the log, and what a region has left at its end becomes one: without that an eighth of a small image was
 * empty.
 */
#ifndef CORE_MOVE_SPACE_H
#define CORE_MOVE_SPACE_H

#include "core/space/region.h"

/* 0; -ENOENT: no clean region waits; or as region_alloc_most(). Each success owes one region_release(). */
int move_space_get(struct rawcache *cache, uint32_t pages, struct extent *extent);

#endif
