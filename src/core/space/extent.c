/* SPDX-License-Identifier: MIT */
#include "core/space/extent.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/stats.h"
#include "core/index/ghost.h"
#include "core/shared/storage.h"
#include "core/index/verify.h"

bool extent_find(struct rawcache *cache, const struct key *key, uint64_t bytes,
		 struct found *found)
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
	/* a fork child that goes on with what its parent began has no pin there */
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

/*
 * What extent_store() has pinned. A fill that a handler left by siglongjmp() did not give it back;
 * handlers that read while we are here do not fill.
 */
static tls_initial struct extent held = { .pin = -1 };

void extent_give_back(struct rawcache *cache)
{
	struct extent extent = held;

	held.pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* rather never given back than twice */
	region_release(cache, &extent);
}

bool extent_store_pieces(struct rawcache *cache, const struct extent_piece *pieces, uint32_t count,
			 char *buf, const struct space_stream *stream)
{
	uint32_t bytes = 0;
	uint32_t skip = 0;
	int err;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t end = bytes + pieces[i].length;

		bytes = (uint32_t)round_up(end, FORMAT_PAGE);
		memset(buf + end, 0, bytes - end);
	}
	err = space_get(cache, ghost_log(cache, &pieces[0].key), bytes >> FORMAT_PAGE_SHIFT, stream,
			&held);
	if (err) {
		extent_failed(cache, err);
		return false;
	}
	err = extent_write(cache, &held, 0, buf, bytes);
	for (uint32_t i = 0; i < count && !err; i++) {
		if (pieces[i].length)
			err = extent_publish(cache, &pieces[i].key, &held, skip, buf + skip,
					     pieces[i].length);
		skip += (uint32_t)round_up(pieces[i].length, FORMAT_PAGE);
	}
	extent_give_back(cache);
	if (err)
		extent_failed(cache, err);
	return !err;
}

bool extent_store(struct rawcache *cache, const struct key *keys, uint32_t piece, char *buf,
		  uint32_t length, const struct space_stream *stream)
{
	struct extent_piece pieces[EXTENT_PIECES];
	uint32_t count = 0;

	for (uint32_t skip = 0; skip < length && count < EXTENT_PIECES; skip += piece, count++) {
		if (!piece)
			piece = length;
		pieces[count].key = keys[count];
		pieces[count].length = (uint32_t)min_u64(piece, length - skip);
	}
	return extent_store_pieces(cache, pieces, count, buf, stream);
}
