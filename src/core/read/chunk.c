/* SPDX-License-Identifier: MIT */
/* Where a chunk lies, and remembering it between reads. */
#include "core/read/chunk.h"

#include "base/checked.h"
#include "base/compiler.h"
#include "core/image/key.h"
#include "core/image/place.h"
#include "core/index/index.h"
#include "core/read/read_hot.h"
#include "core/shared/cache.h"
#include "core/space/extent.h"

/* Whether a read from `skip` to `end` does not belong to the pass that fetched the chunk. */
static bool chunk_again(struct chunk *chunk, uint32_t skip, uint32_t end)
{
	uint64_t place = chunk ? load_relaxed(&chunk->place) : 0;

	if (!(place & CHUNK_FRESH) || place & CHUNK_VALID || skip < (uint32_t)place)
		return true;
	store_relaxed(&chunk->place, CHUNK_FRESH | end);
	return false;
}

static void chunk_remember(struct chunk *chunk, uint64_t place)
{
	uint64_t before = load_relaxed(&chunk->place);

	if (before == place)
		return;
	/* otherwise `resident` is of the place where the chunk lies now */
	if (before & CHUNK_VALID)
		store_relaxed(&chunk->resident, 0);
	store_release(&chunk->place, place);
}

uint64_t chunk_locate(struct rawcache *cache, const struct file *file, uint64_t number,
		      const struct key *key, uint32_t skip, uint32_t end)
{
	struct chunk *chunk = file_chunk(file, number);
	uint64_t bytes = min_u64(cache->chunk_bytes, file->size - number * cache->chunk_bytes);
	struct found found;
	uint64_t place;

	if (!extent_find(cache, key, bytes, &found))
		return 0;
	place = chunk_place(found.page, found.generation);
	if (!chunk_again(chunk, skip, end))
		return place;
	index_visit(cache, found.number);
	if (chunk && cache->memo)
		chunk_remember(chunk, place);
	return place;
}

uint64_t chunk_find_from(struct rawcache *cache, const struct file *file, uint64_t number,
			 uint32_t skip, uint32_t end, const struct key *key)
{
	struct chunk *chunk = file_chunk(file, number);
	uint64_t place = chunk && cache->memo ? load_acquire(&chunk->place) : 0;
	struct key own;

	if (number * cache->chunk_bytes >= load_relaxed(&file->size))
		return 0;
	if (place_current(&cache->image, place, 1))
		return place;
	if (!key) {
		own = key_of_chunk(&cache->image.sb, &file->key, number);
		key = &own;
	}
	return chunk_locate(cache, file, number, key, skip, end);
}

uint64_t chunk_find(struct rawcache *cache, const struct file *file, uint64_t number, uint32_t skip,
		    uint32_t end)
{
	return chunk_find_from(cache, file, number, skip, end, NULL);
}
