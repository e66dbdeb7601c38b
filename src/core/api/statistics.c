/* SPDX-License-Identifier: MIT */
/* Statistics of all processes. */
#include <string.h>

#include <rawcache/embed.h>
#include <rawcache/rawcache.h>
#include <rawcache/stats.h>

#include "base/compiler.h"
#include "base/sized.h"
#include "base/stats.h"
#include "core/image/image.h"
#include "core/shared/aside.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"
#include "core/shared/runtime.h"

void rawcache_count_bypass(struct rawcache *cache, enum rawcache_reason reason)
{
	(void)cache;
	if (reason < RAWCACHE_REASON_COUNT)
		stats_bypass(reason);
}

int rawcache_stats_total(struct rawcache *cache, struct rawcache_stats *theirs, size_t size)
{
	struct rawcache_stats sum = { 0 };
	struct rawcache_stats *total = &sum;
	struct rawcache_stats one;

	if (cache->runtime.header && !cache->runtime.read_only) {
		process_reap(cache);
		for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
			if (!load_acquire(&cache->runtime.slots[i].used))
				continue;
			process_stats(cache, i, &one);
			stats_fold(total, &one);
		}
	}
	stats_fold(total, (const struct rawcache_stats *)cache->image.totals);
	aside_total(&cache->image, cache->runtime.path, total);
	sized_out(theirs, size, total, sizeof(*total));
	return 0;
}

static void process_row_fill(struct rawcache *cache, uint32_t i, struct rawcache_process *row)
{
	const struct process_slot *slot = &cache->runtime.slots[i];

	row->pid = slot->pid;
	row->slot = i;
	row->attached = slot->attached;
	memcpy(row->command, slot->command, sizeof(row->command));
	row->command[sizeof(row->command) - 1] = '\0';
	process_stats(cache, i, &row->stats);
}

int rawcache_stats_processes(struct rawcache *cache, struct rawcache_process *rows, size_t row_size,
			     size_t max)
{
	struct rawcache_process row;
	int count = 0;

	if (!cache->runtime.header || cache->runtime.read_only)
		return 0;
	process_reap(cache);
	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
		if (!load_acquire(&cache->runtime.slots[i].used))
			continue;
		if ((size_t)count++ >= max)
			continue;
		process_row_fill(cache, i, &row);
		sized_out((char *)rows + (size_t)(count - 1) * row_size, row_size, &row,
			  sizeof(row));
	}
	return count;
}
