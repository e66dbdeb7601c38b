/* SPDX-License-Identifier: MIT */
/* What tests of regions share. */
#include "unit/unit.h"

#include "core/space/region.h"
#include "cut.h"
#include "unit/regions.h"

char path[512];
struct rawcache *cache;

int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("region.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = NULL;
	return 0;
}

int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

bool turn(unsigned int rounds)
{
	uint32_t pages = cache->image.region_pages / 2;
	struct extent extent;

	for (unsigned int i = 0; i < rounds * cache->image.sb.region_count * 2; i++) {
		if (region_alloc(cache, REGION_PROBATION, pages, &extent))
			return false;
		region_release(cache, &extent);
	}
	return true;
}
