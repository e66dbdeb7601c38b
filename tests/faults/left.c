/* SPDX-License-Identifier: MIT */
/*
 * What processes that are gone have left in an image's runtime segment: left IMAGE prints a line for
 * each kind of thing that is still there, and succeeds if there is none.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"

static int status;

static void tell(const char *what, unsigned int count)
{
	if (!count)
		return;
	printf("%u %s\n", count, what);
	status = 1;
}

static void slots_look(const struct runtime *runtime)
{
	unsigned int pins = 0;
	unsigned int holds = 0;

	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
		for (uint32_t n = 0; n < SLOT_PINS; n++)
			pins += load_relaxed(&runtime->slots[i].pin[n]) != 0;
	}
	for (uint32_t i = 0; i < HOLD_SETS * RUNTIME_SLOTS * runtime->hold_words; i++)
		holds += (unsigned int)__builtin_popcountll(
			load_relaxed(&runtime->holds[HOLD_ALL][i]));
	tell("pins", pins);
	tell("holds", holds);
}

static void rest_look(const struct rawcache *cache)
{
	const struct runtime *runtime = &cache->runtime;
	unsigned int flights = 0;
	unsigned int blocks = 0;
	unsigned int regions = 0;

	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		flights += load_relaxed(&runtime->flights[i].claim) != 0;
	for (uint32_t i = 0; i < RUNTIME_BLOCKS; i++)
		blocks += load_relaxed(&runtime->header->block_owner[i]) != 0;
	for (uint32_t i = 0; i < cache->image.sb.region_count; i++)
		regions += load_relaxed(&cache->image.regions[i].owner) != 0;
	tell("flights", flights);
	tell("blocks of statistics", blocks);
	tell("regions that somebody is recycling", regions);
	tell("evictions under way", load_relaxed(&runtime->header->evict_owner) != 0);
}

static void locks_look(const struct runtime *runtime)
{
	unsigned int held = runtime_lock(&runtime->header->region_lock) != 0;

	if (!held)
		runtime_unlock(&runtime->header->region_lock);
	for (uint32_t i = 0; i < RUNTIME_INDEX_LOCKS; i++) {
		if (runtime_lock(&runtime->header->index_lock[i]))
			held++;
		else
			runtime_unlock(&runtime->header->index_lock[i]);
	}
	tell("locks", held);
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	struct rawcache *cache;
	int err;

	if (argc != 2)
		return 2;
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	err = rawcache_attach(&options, &cache, NULL);
	if (err) {
		printf("%s cannot be attached to: %s\n", argv[1], strerror(-err));
		return 2;
	}
	tell("processes", process_reap(cache) - 1); /* folds the dead */
	slots_look(&cache->runtime);
	rest_look(cache);
	locks_look(&cache->runtime);
	rawcache_detach(cache);
	return status;
}
