/* SPDX-License-Identifier: MIT */
/*
 * Brings extents into memory and into our page tables before a thread touches them through the mapping,
 * where page faults would wait for the disk 4 KiB at a time.
 */
#ifndef CORE_PREFAULT_H
#define CORE_PREFAULT_H

#include "core/shared/cache.h"

/* Log2 of the places: 32 KiB of memory, for extents of a GiB of whole chunks. */
#define WARM_SHIFT 12

/*
 * Start all missing reads at once, and wait for them. An extent that was brought in a moment ago is
 * remembered and costs one look. The caller pins the region.
 */
void prefault_extent(struct rawcache *cache, uint32_t page, uint64_t bytes);

#endif
