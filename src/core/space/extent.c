/* SPDX-License-Identifier: MIT */
#include "core/space/extent.h"

#include <errno.h>

#include "core/shared/cache.h"
#include "core/space/region.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/stats.h"
#include "core/index/ghost.h"
#include "core/shared/storage.h"
#include "core/index/verify.h"

bool extent_find(struct rawcache *cache, const struct key *key, uint64_t bytes, struct found *found)
{
	if (!index_find(cache, key, found) || found->length != bytes)
		return false;
	if (verify_expired(cache, found)) {
		index_remove(cache, key, found);
		return false;
	}
	return !verify_due(cache, found) || verify_extent(cache, key, found);
}

void extent_failed(struct rawcache *cache, int err)
{
	stats_add(fill_errors, 1);
	switch (err) {
	case -EAGAIN:
	case -EBUSY:
		stats_bypass(RAWCACHE_REASON_full);
		break;
	case -EIO:
	case -ENOSPC:
		storage_failed(cache, err);
		stats_bypass(RAWCACHE_REASON_io_error);
		break;
	case -EBADF:
		stats_bypass(RAWCACHE_REASON_no_fd);
		break;
	case -ENOMEM:
		stats_bypass(RAWCACHE_REASON_no_memory);
		break;
	default:
		break;
	}
	log_info("not stored: error %d (slot %d)", err, cache->slot);
}

int extent_write(struct rawcache *cache, const struct extent *extent, uint32_t skip,
		 const char *buf, uint32_t bytes)
{
	/* a fork child that continues what its parent began has no pin there */
	if (extent->pin < 0 || extent->pin / (int)SLOT_PINS != cache->slot)
		return -ESTALE;
	return storage_write(cache, extent->page + (skip >> FORMAT_PAGE_SHIFT), buf, bytes);
}

int extent_publish(struct rawcache *cache, const struct key *key, const struct extent *extent,
		   uint32_t skip, const char *buf, uint32_t length)
{
	int err;

	CRASH_POINT(extent_written);
	err = index_store(cache, key, extent->page + (skip >> FORMAT_PAGE_SHIFT), length,
			  extent->generation, XXH3_64bits_withSeed(buf, length, key->low));

	CRASH_POINT(extent_published);
	if (!err) {
		stats_add(fills, 1);
		stats_add(fill_bytes, length);
	}
	return err;
}
