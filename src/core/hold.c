/* SPDX-License-Identifier: MIT */
#include "core/hold.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/crash.h"

static uint32_t *counter_of(const struct rawcache *cache, uint32_t region)
{
	return &cache_slot(cache)->hold[region % SLOT_HOLDS];
}

static uint32_t limit_of(const struct rawcache *cache)
{
	uint32_t count = cache->image.sb.region_count;

	return (count < SLOT_HOLDS ? count : SLOT_HOLDS) / 4;
}

int hold_get(struct rawcache *cache, uint32_t region, uint32_t generation)
{
	int err = cache_slot_need(cache);

	return err ? err : hold_get_more(cache, region, generation);
}

int hold_get_more(struct rawcache *cache, uint32_t region, uint32_t generation)
{
	uint32_t *counter = counter_of(cache, region);

	if (!fetch_add(counter, 1) && fetch_add(&cache->holds, 1) >= limit_of(cache)) {
		hold_put(cache, region);
		return -EAGAIN;
	}
	CRASH_POINT(hold_counted);
	fence_full(); /* pairs with the one in region_recycle() */
	if (load_acquire(&cache->image.regions[region].generation) == generation)
		return 0;
	hold_put(cache, region);
	return -ESTALE;
}

void hold_more(struct rawcache *cache, uint32_t region)
{
	if (cache->slot >= 0 && !fetch_add(counter_of(cache, region), 1))
		fetch_add(&cache->holds, 1);
}

void hold_put(struct rawcache *cache, uint32_t region)
{
	uint32_t *counter;
	uint32_t n;

	if (cache->slot < 0)
		return;
	counter = counter_of(cache, region);
	n = load_relaxed(counter);
	/* never below 0: a fork child may put what only its parent held */
	while (n && !cas(counter, &n, n - 1))
		;
	CRASH_POINT(hold_put);
	if (n == 1)
		fetch_sub(&cache->holds, 1);
}
