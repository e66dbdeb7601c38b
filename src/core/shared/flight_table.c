/* SPDX-License-Identifier: MIT */
/* The table of flights: which process has claimed which chunk. */
#include "core/shared/flight_table.h"

#include <linux/futex.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/shared/flight.h"

struct flight *flight_at(const struct rawcache *cache, const struct key *key, uint32_t i)
{
	return &cache->runtime.flights[(key->low + i) % RUNTIME_FLIGHTS];
}

void flight_wake(uint32_t *word)
{
	sys_futex(word, FUTEX_WAKE, INT32_MAX, NULL);
}

uint64_t claim_of(const struct rawcache *cache, uint64_t tag)
{
	return tag | (uint64_t)(cache->slot + 1);
}

uint64_t claim_tag(uint64_t claim)
{
	return claim & ~FLIGHT_OWNER_MASK;
}

uint32_t claim_owner(uint64_t claim)
{
	return (uint32_t)(claim & FLIGHT_OWNER_MASK);
}

struct process_slot *claim_slot(const struct rawcache *cache, uint64_t claim)
{
	uint32_t owner = claim_owner(claim);

	return owner && owner <= RUNTIME_SLOTS ? &cache->runtime.slots[owner - 1] : NULL;
}

void owner_step(const struct rawcache *cache, uint64_t claim)
{
	struct process_slot *slot = claim_slot(cache, claim);

	if (slot)
		fetch_add(&slot->steps, 1);
}

void flight_free(struct flight *flight, uint64_t claim)
{
	store_relaxed(&flight->slow, 0);
	store_relaxed(&flight->ahead, 0);
	store_relaxed(&flight->ready, 0);
	if (!cas(&flight->claim, &claim, 0))
		return;
	CRASH_POINT(flight_freed);
	fetch_add(&flight->word, 1);
	if (load_acquire(&flight->waiters))
		flight_wake(&flight->word);
}

void flight_abandon(struct rawcache *cache, uint32_t slot)
{
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++) {
		uint64_t claim = load_acquire(&cache->runtime.flights[i].claim);

		if (claim_owner(claim) == slot + 1)
			flight_free(&cache->runtime.flights[i], claim);
	}
}
