/* SPDX-License-Identifier: MIT */
/* What may be left of processes in what they share with others. */
#include <pthread.h>

#include "core/shared/process.h"
#include "remains.h"

unsigned int pins_left(const struct rawcache *cache)
{
	unsigned int pins = 0;

	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
		for (uint32_t n = 0; n < SLOT_PINS; n++)
			pins += cache->runtime.slots[i].pin[n] != 0;
	return pins;
}

unsigned int holds_left(const struct rawcache *cache)
{
	unsigned int holds = 0;

	for (uint32_t i = 0; i < HOLD_SETS * RUNTIME_SLOTS * cache->runtime.hold_words; i++)
		holds += (unsigned int)__builtin_popcountll(cache->runtime.holds[HOLD_ALL][i]);
	return holds;
}

unsigned int flights_left(const struct rawcache *cache)
{
	unsigned int flights = 0;

	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		flights += cache->runtime.flights[i].claim != 0;
	return flights;
}

unsigned int locks_left(struct rawcache *cache)
{
	unsigned int held = 0;

	for (unsigned int i = 0; i <= RUNTIME_INDEX_LOCKS; i++) {
		pthread_mutex_t *lock = i ? &cache->runtime.header->index_lock[i - 1] :
					    &cache->runtime.header->region_lock;

		if (runtime_lock(lock))
			held++;
		else
			runtime_unlock(lock);
	}
	return held;
}
