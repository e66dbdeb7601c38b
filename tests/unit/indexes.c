/* SPDX-License-Identifier: MIT */
/* What tests of the index share. */
#include "unit/unit.h"

#include <rawcache/image.h>

#include "core/index/entry.h"
#include "core/index/index.h"
#include "core/space/region.h"
#include "cut.h"
#include "unit/indexes.h"

struct rawcache *cache;
struct extent extent; /* pinned for all tests of a group */

int setup(void **state)
{
	const char *path = scratch_path("index.image");

	(void)state;
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = attach(path);
	return region_alloc(cache, REGION_PROBATION, 16, &extent);
}

int teardown(void **state)
{
	(void)state;
	region_release(cache, &extent);
	rawcache_detach(cache);
	return 0;
}

struct key key_n(uint64_t bucket, uint64_t n)
{
	return (struct key){ .low = n * UINT64_C(0x9e3779b97f4a7c15) + 1,
			     .high = ((bucket << 32) / cache->image.sb.bucket_count + 1) << 32 |
				     (uint32_t)(n * 77 + 5) };
}

int store(const struct key *key, uint32_t page, uint64_t checksum)
{
	return index_store(cache, key, extent.page + page, 100, extent.generation, checksum);
}

struct bucket *bucket_of(const struct key *key)
{
	return &cache->image.buckets[key_bucket(key, cache->image.sb.bucket_count)];
}

bool count(void *arg, const struct key *key, const struct found *found)
{
	uint64_t region = found->page >> cache->image.region_pages_shift;
	uint64_t end = found->page + (found->length + FORMAT_PAGE - 1) / FORMAT_PAGE;

	(void)key;
	/* what is called live lies inside one region */
	assert_true(region < cache->image.sb.region_count);
	assert_true(end <= (region + 1) << cache->image.region_pages_shift);
	(*(uint64_t *)arg)++;
	return true;
}

uint64_t walk(uint64_t *stale, uint64_t *broken)
{
	uint64_t live = 0;

	*stale = *broken = 0;
	index_walk(cache, count, &live, stale, broken);
	return live;
}
