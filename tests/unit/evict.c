/* SPDX-License-Identifier: MIT */
/* What tests of eviction share. */
#include "unit/unit.h"

#include "core/index/index.h"
#include "core/space/evict.h"
#include "unit/evict.h"

char path[512];
struct rawcache *cache;

int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("evict.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = attach(path);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

struct rawcache_stats stats_now(void)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats;
}

static bool visited_count(void *arg, const struct key *key, const struct found *found)
{
	(void)key;
	*(unsigned int *)arg += index_visited(cache, found->number);
	return true;
}

unsigned int visited(void)
{
	uint64_t stale = 0;
	uint64_t broken = 0;
	unsigned int count = 0;

	index_walk(cache, visited_count, &count, &stale, &broken);
	return count;
}
