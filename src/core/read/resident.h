/* SPDX-License-Identifier: MIT */
/*
 * How much of the image a process has in its page tables for reads: at most options.resident bytes
 * (RAWCACHE_RESIDENT), so that a supervisor that looks at the memory of a program does not take the cache for a
 * leak. It is counted in blocks of 2 MiB, which one entry of the page tables may map. When all blocks are used,
 * further chunks are read by system calls, as from a local file. Now and then some blocks are given back for chunks
 * that are read again: by a clock, whose turns take a small part of the time. The program's own mappings, views of
 * objects, and pages that faults bring in between two turns do not count.
 */
#ifndef CORE_RESIDENT_H
#define CORE_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/image/place.h"

struct rawcache;

#define RESIDENT_PAGES 512u /* of a block */

static inline uint32_t resident_block(uint64_t place)
{
	return CHUNK_PAGE(place) / RESIDENT_PAGES;
}

/*
 * Whether `bytes` at `place` may come into the page tables; they count from now on. The caller holds a reference
 * of the file, and no lock. For any thread.
 */
bool resident_take(struct rawcache *cache, uint64_t place, uint32_t bytes);

/* Whether all blocks are used: pages that are marked as seen would come in by faults that nobody counts. */
bool resident_full(const struct rawcache *cache);

/* The caller gave back what it had mapped of the block of `place`. */
void resident_gave(struct rawcache *cache, uint64_t place);

/* In the child of a fork(): the thread that gave blocks back is not there. */
void resident_fork_child(struct rawcache *cache);

/* At the end of the cache: no thread reads any more. */
void resident_end(struct rawcache *cache);

#endif
