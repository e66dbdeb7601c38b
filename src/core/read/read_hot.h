/* SPDX-License-Identifier: MIT */
/*
 * Copying bytes that are in memory, and the two looks around the copy (INV-1). For the files on the path of
 * a read: see read.c.
 */
#ifndef CORE_READ_HOT_H
#define CORE_READ_HOT_H

#include <errno.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/guard.h"
#include "base/stats.h"
#include "core/fill/fill.h"
#include "core/image/place.h"
#include "core/shared/storage.h"

/* Results beside bytes and -errno. READ_MISS: the bytes are not in the cache; READ_STALE: their region was recycled. */
enum { READ_MISS = -1000, READ_STALE = -1001 };

static inline uint64_t pages_mask(uint32_t skip, uint32_t length)
{
	uint32_t first = skip >> FORMAT_PAGE_SHIFT;
	uint32_t last = (skip + length - 1) >> FORMAT_PAGE_SHIFT;

	return (((last - first) == 63 ? 0 : UINT64_C(2) << (last - first)) - 1) << first;
}

static inline void hit_count(uint64_t n)
{
	stats_add(hits, 1);
	stats_add(hit_bytes, n);
}

/* A hit that was copied out of the mapping. */
static inline void hit_count_mapped(uint64_t n)
{
	struct rawcache_stats *mine =
		stats_mine; /* loaded once: the compiler must not assume that it stays */

	if (unlikely(!mine)) {
		hit_count(n);
		stats_add(mmap_reads, 1);
		stats_add(mmap_bytes, n);
		return;
	}
	store_relaxed(&mine->hits, mine->hits + 1);
	store_relaxed(&mine->hit_bytes, mine->hit_bytes + n);
	store_relaxed(&mine->mmap_reads, mine->mmap_reads + 1);
	store_relaxed(&mine->mmap_bytes, mine->mmap_bytes + n);
}

static inline const char *place_bytes(const struct rawcache *cache, uint64_t place, uint32_t skip)
{
	return cache->image.data + ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT) + skip;
}

static inline ssize_t hot_copy(struct rawcache *cache, uint64_t place, const struct want *want)
{
	int err = guard_copy(want->buf, place_bytes(cache, place, want->skip), want->length);

	if (unlikely(err)) {
		if (err == -EFAULT)
			return err;
		storage_unreadable(cache);
		return READ_MISS;
	}
	if (unlikely(!place_still_current(&cache->image, place)))
		return READ_STALE;
	stats_add(mmap_reads, 1);
	stats_add(mmap_bytes, want->length);
	return want->length;
}

#endif
