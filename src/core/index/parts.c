/* SPDX-License-Identifier: MIT */
#include "core/index/parts.h"

#include "base/checked.h"

void parts_init(const struct rawcache *cache, uint64_t size, uint64_t chunk, struct parts *parts)
{
	uint64_t start = chunk * cache->chunk_bytes;

	parts->present = 0;
	parts->chunk_length = (uint32_t)min_u64(cache->chunk_bytes, size - start);
	parts->count = (parts->chunk_length + PART_BYTES - 1) / PART_BYTES;
}

struct key part_key(const struct rawcache *cache, const struct key *file, uint64_t chunk,
		    uint32_t i)
{
	return key_of_chunk(&cache->image.sb, file, PART_NUMBER | (chunk * PARTS_MAX + i));
}

void chunk_each_extent(struct rawcache *cache, const struct key *file, uint64_t size,
		       uint64_t chunk, chunk_extent_fn *visit, void *arg)
{
	uint32_t bytes = (uint32_t)min_u64(cache->chunk_bytes, size - chunk * cache->chunk_bytes);
	struct chunk_extent extent = { .key = key_of_chunk(&cache->image.sb, file, chunk),
				       .whole = true,
				       .length = bytes };

	if (index_find(cache, &extent.key, &extent.found) && visit(arg, &extent))
		return;
	extent.whole = false;
	for (uint32_t i = 0; i * PART_BYTES < bytes; i++) {
		extent.key = part_key(cache, file, chunk, i);
		extent.skip = i * PART_BYTES;
		extent.length = (uint32_t)min_u64(PART_BYTES, bytes - extent.skip);
		if (index_find(cache, &extent.key, &extent.found) && visit(arg, &extent))
			return;
	}
}

int parts_remove(struct rawcache *cache, const struct parts *parts)
{
	int result = 0;

	for (uint32_t i = 0; i < parts->count; i++) {
		/* NULL: wherever the part was moved meanwhile */
		int err = parts->present & 1u << i ? index_remove(cache, &parts->key[i], NULL) : 0;

		result = err ? err : result;
	}
	return result;
}
