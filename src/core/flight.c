/* SPDX-License-Identifier: MIT */
#include "core/flight.h"

#include <errno.h>
#include <linux/futex.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/process.h"

#define NEIGHBOURS 8u
#define SLICE_MS 20
#define PATIENCE_MS 2000u

static struct flight *flight_at(const struct rawcache *cache, const struct key *key, uint32_t i)
{
	return &cache->runtime.flights[(key->low + i) % RUNTIME_FLIGHTS];
}

static void futex_wake_all(uint32_t *word)
{
	sys_futex(word, FUTEX_WAKE, INT32_MAX, NULL);
}

static void flight_free(struct flight *flight)
{
	store_relaxed(&flight->owner, 0);
	store_relaxed(&flight->slow, 0);
	store_release(&flight->tag, 0);
	fetch_add(&flight->word, 1);
	if (load_acquire(&flight->waiters))
		futex_wake_all(&flight->word);
}

/*
 * The flight of `tag` among the neighbours, or NULL. With `below`, only those before it: of
 * two that began at once the one in the earlier place goes on.
 */
static struct flight *flight_find(struct rawcache *cache, const struct key *key, uint64_t tag,
				  const struct flight *below)
{
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);

		if (flight == below)
			return NULL;
		if (load_acquire(&flight->tag) == tag)
			return flight;
	}
	return NULL;
}

static struct flight *flight_claim(struct rawcache *cache, const struct key *key, uint64_t tag)
{
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);
		uint64_t none = 0;

		if (load_relaxed(&flight->tag) || !cas(&flight->tag, &none, tag))
			continue;
		store_release(&flight->owner, (uint32_t)cache->slot + 1);
		return flight;
	}
	return NULL;
}

/* Sleep until the flight of `tag` has ended; its owner's death ends it. */
static enum flight_result flight_wait(struct rawcache *cache, struct flight *flight, uint64_t tag)
{
	uint64_t deadline = clock_mono_ns() + PATIENCE_MS * UINT64_C(1000000);
	struct timespec slice = { 0, SLICE_MS * 1000000 };
	enum flight_result result = FLIGHT_ALONE;

	stats_add(fill_waits, 1);
	fetch_add(&flight->waiters, 1);
	while (!load_relaxed(&flight->slow)) {
		uint32_t word = load_acquire(&flight->word);
		uint32_t owner = load_acquire(&flight->owner);

		if (load_acquire(&flight->tag) != tag) {
			result = FLIGHT_ENDED;
			break;
		}
		if (sys_futex(&flight->word, FUTEX_WAIT, word, &slice) != -ETIMEDOUT)
			continue;
		/* an owner of 0 has claimed and not signed yet, or died in between */
		if (owner && owner <= RUNTIME_SLOTS)
			process_alive(cache, owner - 1);
		if (clock_mono_ns() > deadline) {
			store_relaxed(&flight->slow, 1);
			if (!load_acquire(&flight->owner) && cas(&flight->tag, &tag, 0))
				flight_free(flight);
		}
	}
	fetch_sub(&flight->waiters, 1);
	return result;
}

enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				struct flight **flight)
{
	uint64_t tag = key->low | 1; /* never 0; a clash only makes somebody wait */
	struct flight *other = flight_find(cache, key, tag, NULL);

	if (other)
		return flight_wait(cache, other, tag);
	*flight = flight_claim(cache, key, tag);
	if (!*flight) {
		stats_bypass(RAWCACHE_REASON_busy);
		return FLIGHT_ALONE;
	}
	fence_full(); /* of two that claim at once, one sees the other */
	other = flight_find(cache, key, tag, *flight);
	if (!other)
		return FLIGHT_OWNER;
	flight_end(cache, *flight);
	return flight_wait(cache, other, tag);
}

void flight_end(struct rawcache *cache, struct flight *flight)
{
	if (load_acquire(&flight->owner) == (uint32_t)cache->slot + 1)
		flight_free(flight);
}

void flight_abandon(struct rawcache *cache, uint32_t slot)
{
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		if (load_acquire(&cache->runtime.flights[i].owner) == slot + 1)
			flight_free(&cache->runtime.flights[i]);
}
