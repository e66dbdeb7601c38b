/* SPDX-License-Identifier: MIT */
/* Storing an extent, or several side by side: cut, write, publish. */
#include <string.h>

#include "base/checked.h"
#include "core/shared/cache.h"
#include "core/index/ghost.h"
#include "core/space/extent.h"
#include "core/space/region.h"
#include "core/space/space.h"

/*
 * What extent_store() has pinned in this thread. A fill that a handler left by siglongjmp() did not release
 * it. Handlers that read while we are here do not fill.
 */
static tls_initial struct extent held = { .pin = -1 };

void extent_give_back(struct rawcache *cache)
{
	struct extent extent = held;

	held.pin = -1;
	/* a pin may stay for ever rather than be released twice */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
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
