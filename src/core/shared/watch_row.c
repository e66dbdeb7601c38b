/* SPDX-License-Identifier: MIT */
/* The row of a process: see watch.h. */
#include "core/shared/watch_row.h"

#include "base/critical.h"
#include "base/memory.h"
#include "core/shared/cache.h"
#include "core/shared/watch.h"

void watch_enter(struct rawcache *cache, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&cache->watch_lock);
}

void watch_leave(struct rawcache *cache, const struct critical *critical)
{
	pthread_mutex_unlock(&cache->watch_lock);
	critical_leave(critical);
}

bool row_get(const uint64_t *words, uint32_t bit)
{
	return load_acquire(&words[bit / 64]) >> bit % 64 & 1;
}

void row_set(uint64_t *words, uint32_t bit)
{
	fetch_or(&words[bit / 64], UINT64_C(1) << bit % 64);
}

void row_clear(uint64_t *words, uint32_t bit)
{
	fetch_and(&words[bit / 64], ~(UINT64_C(1) << bit % 64));
}

struct watch_row *row_own(const struct rawcache *cache)
{
	return &cache->runtime.watch_rows[cache->slot];
}

void watch_clear(struct rawcache *cache, uint32_t slot)
{
	struct watch_row *row = &cache->runtime.watch_rows[slot];

	for (uint32_t i = 0; i < WATCH_SHOWN / 64; i++)
		store_release(&row->shown[i], 0);
	for (uint32_t way = 0; way < WATCH_WAYS; way++)
		for (uint32_t i = 0; i < WATCH_WRITTEN / 64; i++)
			store_release(&row->written[way][i], 0);
	store_release(&row->blamed_seen, 0);
}

void watch_begin(struct rawcache *cache, uint32_t slot)
{
	struct watch_row *row = &cache->runtime.watch_rows[slot];
	struct watch_counts *counts = cache->watch_counts;

	store_release(&row->seen, load_acquire(&cache->runtime.watch->word));
	for (uint32_t i = 0; counts && i < WATCH_SHOWN; i++)
		if (load_relaxed(&counts->shown[i]))
			row_set(row->shown, i);
	for (uint32_t i = 0; counts && i < WATCH_WAYS * WATCH_WRITTEN; i++)
		if (load_relaxed(&counts->written[i / WATCH_WRITTEN][i % WATCH_WRITTEN]))
			row_set(row->written[i / WATCH_WRITTEN], i % WATCH_WRITTEN);
}

bool watch_stores(const struct rawcache *cache)
{
	const struct watch_counts *counts = cache->watch_counts;

	for (uint32_t i = 0; counts && i < WATCH_WRITTEN; i++)
		if (load_relaxed(&counts->written[WATCH_STORES][i]))
			return true;
	return false;
}

void watch_end(struct rawcache *cache)
{
	if (cache->watch_counts)
		memory_unmap(cache->watch_counts, sizeof(*cache->watch_counts));
	cache->watch_counts = NULL;
}
