/* SPDX-License-Identifier: MIT */
#include "core/read/file_run.h"

#include <errno.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "core/read/chunk.h"

/* How many of `most` chunks from `number` on are known to lie side by side from `place` on. */
static uint64_t chunks_known(const struct chunk *chunk, uint64_t place, uint32_t pages,
			     uint64_t most)
{
	uint64_t n = 0;

	while (n < most && load_relaxed(&chunk[n].place) == place + n * pages)
		n++;
	return n;
}

/* Whether the chunk's group is known to lie side by side, given that the chunk lies at `place`. */
static bool group_known(const struct file *file, uint64_t number, uint64_t place, uint32_t pages)
{
	uint64_t *group = file_group(file, number);
	uint32_t before = number % CHUNKS_GROUP;
	uint64_t first = place - before * (uint64_t)pages;

	if (!group)
		return false;
	if (load_relaxed(group) == first)
		return true;
	if (chunks_known(file_chunk(file, number) - before, first, pages, CHUNKS_GROUP) <
	    CHUNKS_GROUP)
		return false;
	store_relaxed(group, first); /* remembered for the next time */
	return true;
}

/* The same, group by group. */
static uint64_t run_known(const struct rawcache *cache, const struct file *file, uint64_t number,
			  uint64_t place, uint64_t most)
{
	const struct chunk *chunk = file_chunk(file, number + most - 1) ? file_chunk(file, number) :
									  NULL;
	uint32_t pages = cache->chunk_bytes >> FORMAT_PAGE_SHIFT;
	uint64_t n = 0;

	while (chunk && cache->memo && n < most) {
		uint64_t want = min_u64(CHUNKS_GROUP - (number + n) % CHUNKS_GROUP, most - n);
		uint64_t here = place + n * pages;

		if (!group_known(file, number + n, here, pages)) {
			uint64_t known = chunks_known(chunk + n, here, pages, want);

			if (known < want)
				return n + known;
		}
		n += want;
	}
	return n;
}

/* Add the chunks that follow `place` in the region. */
static void run_extend(struct rawcache *cache, const struct file *file, uint64_t number,
		       uint64_t place, uint64_t length, struct run *run)
{
	uint32_t pages = cache->chunk_bytes >> FORMAT_PAGE_SHIFT;
	uint32_t region_pages = cache->image.region_pages;

	while (run->length < length) {
		uint64_t left = region_pages - (CHUNK_PAGE(place) & (region_pages - 1));
		uint64_t most = min_u64(div_up(length - run->length, cache->chunk_bytes),
					div_up(left, pages) - 1);
		uint32_t end;
		/* counted from this chunk: groups mostly begin where regions do */
		uint64_t known = most ? run_known(cache, file, number, place, most + 1) : 0;

		if (!most)
			return;
		end = (uint32_t)min_u64(length - run->length, cache->chunk_bytes);
		if (known <= 1 && chunk_find(cache, file, number + 1, 0, end) != place + pages)
			return;
		known = max_u64(known, 2) - 1;
		number += known;
		place += known * pages;
		run->length = min_u64(run->length + known * cache->chunk_bytes, length);
	}
}

int run_find_from(struct rawcache *cache, struct file *file, uint64_t offset, uint64_t length,
		  const struct key *key, struct run *run)
{
	uint64_t size = load_relaxed(&file->size);
	uint64_t number = offset / cache->chunk_bytes;
	uint32_t skip = (uint32_t)(offset % cache->chunk_bytes);
	uint64_t place;
	uint32_t end;

	if (offset >= size)
		return -ENODATA;
	length = min_u64(length, size - offset);
	end = (uint32_t)min_u64(skip + length, cache->chunk_bytes);
	place = chunk_find_from(cache, file, number, skip, end, key);
	if (place) {
		run->region = region_number(&cache->image, CHUNK_PAGE(place));
		run->generation = generation_before(&cache->image, CHUNK_PAGE(place));
		run->at = ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT) + skip;
		run->length = end - skip;
		if (!place_is(place, run->generation))
			place = 0;
		else
			run_extend(cache, file, number, place, length, run);
	}
	return place ? 0 : -ENODATA;
}

int run_find(struct rawcache *cache, struct file *file, uint64_t offset, uint64_t length,
	     struct run *run)
{
	return run_find_from(cache, file, offset, length, NULL, run);
}
