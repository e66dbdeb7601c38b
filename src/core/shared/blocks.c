/* SPDX-License-Identifier: MIT */
/* Which cache of the process counts statistics, and the blocks of the segment that its threads count in. */

#include <sys/prctl.h>

#include "base/compiler.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"
#include "core/shared/slot.h"

/* One cache of the process counts statistics: the first one. */
static struct rawcache *counted_for;

struct rawcache *cache_current(void)
{
	return load_acquire(&counted_for);
}

/* Blocks for threads, as struct stats_provider requires them. */
static struct rawcache_stats *process_block_get(void)
{
	struct rawcache *cache = cache_current();
	uint32_t owner;

	if (!cache || cache->slot < 0)
		return NULL;
	/* processes start their search at different blocks */
	for (uint32_t i = 0; i < RUNTIME_BLOCKS; i++) {
		uint32_t n = (i + (uint32_t)cache->slot * 8) % RUNTIME_BLOCKS;
		uint32_t *word = &cache->runtime.header->block_owner[n];

		owner = 0;
		if (load_relaxed(word) || !cas(word, &owner, (uint32_t)cache->slot + 1))
			continue;
		fetch_add(&cache->blocks_out, 1);
		return &cache->runtime.blocks[n].stats;
	}
	return NULL;
}

static void process_block_put(struct rawcache_stats *stats)
{
	struct rawcache *cache = cache_current();
	struct stats_block *block = container_of(stats, struct stats_block, stats);
	uint32_t *owner;

	/* a thread that outlived a detach returns a block of a segment that is not ours any more */
	if (!cache || cache->slot < 0 || block < cache->runtime.blocks ||
	    block >= cache->runtime.blocks + RUNTIME_BLOCKS)
		return;
	owner = &cache->runtime.header->block_owner[block - cache->runtime.blocks];
	if (load_acquire(owner) != (uint32_t)cache->slot + 1)
		return;
	fetch_sub(&cache->blocks_out, 1);
	stats_move(&cache_slot(cache)->stats, stats);
	store_release(owner, 0);
}

void cache_announce(struct rawcache *cache)
{
	struct rawcache *none = NULL;

	if (!cas(&counted_for, &none, cache))
		return;
	if (cache->slot < 0)
		return;
	cache->provider.thread = process_block_get;
	cache->provider.release = process_block_put;
	cache->provider.shared = &cache_slot(cache)->stats;
	stats_set_provider(&cache->provider);
}

void cache_renounce(struct rawcache *cache)
{
	struct rawcache *mine = cache;

	if (load_acquire(&counted_for) == cache)
		stats_release();
	if (cas(&counted_for, &mine, NULL))
		stats_set_provider(NULL);
}
