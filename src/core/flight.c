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

/*
 * A claim names its owner in the same word, so that there is no moment at which a killed owner
 * leaves a flight that nobody can tell to be a dead one's.
 */
static uint64_t claim_of(const struct rawcache *cache, uint64_t tag)
{
	return tag | (uint64_t)(cache->slot + 1);
}

static uint64_t claim_tag(uint64_t claim)
{
	return claim & ~FLIGHT_OWNER_MASK;
}

static uint32_t claim_owner(uint64_t claim)
{
	return (uint32_t)(claim & FLIGHT_OWNER_MASK);
}

/* Give up `claim`, if it still is the one that stands there. */
static void flight_free(struct flight *flight, uint64_t claim)
{
	store_relaxed(&flight->slow, 0);
	if (!cas(&flight->claim, &claim, 0))
		return;
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
		if (claim_tag(load_acquire(&flight->claim)) == tag)
			return flight;
	}
	return NULL;
}

static struct flight *flight_claim(struct rawcache *cache, const struct key *key, uint64_t tag)
{
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);
		uint64_t none = 0;

		if (!load_relaxed(&flight->claim) &&
		    cas(&flight->claim, &none, claim_of(cache, tag)))
			return flight;
	}
	return NULL;
}

/* Whether the claim's owner lives; a dead one's claim is given up on the way. */
static bool claim_alive(struct rawcache *cache, struct flight *flight, uint64_t claim)
{
	uint32_t owner = claim_owner(claim);

	if (owner && owner <= RUNTIME_SLOTS && process_alive(cache, owner - 1))
		return true;
	flight_free(flight, claim);
	return false;
}

/* Sleep until the flight of `tag` has ended; its owner's death ends it. */
static enum flight_result flight_wait(struct rawcache *cache, struct flight *flight, uint64_t tag)
{
	uint64_t deadline = clock_mono_ns() + PATIENCE_MS * UINT64_C(1000000);
	struct timespec slice = { 0, SLICE_MS * 1000000 };
	enum flight_result result = FLIGHT_ALONE;

	stats_add(fill_waits, 1);
	fetch_add(&flight->waiters, 1);
	for (;;) {
		uint32_t word = load_acquire(&flight->word);
		uint64_t claim = load_acquire(&flight->claim);
		bool slow = load_relaxed(&flight->slow);

		if (claim_tag(claim) != tag) {
			result = FLIGHT_ENDED;
			break;
		}
		if (!slow && sys_futex(&flight->word, FUTEX_WAIT, word, &slice) != -ETIMEDOUT)
			continue;
		if (!claim_alive(cache, flight, claim))
			continue;
		if (slow)
			break;
		if (clock_mono_ns() > deadline)
			store_relaxed(&flight->slow, 1);
	}
	fetch_sub(&flight->waiters, 1);
	return result;
}

/* All neighbours are taken: those of dead processes may go. */
static void flight_reap(struct rawcache *cache, const struct key *key)
{
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);
		uint64_t claim = load_acquire(&flight->claim);

		if (claim)
			claim_alive(cache, flight, claim);
	}
}

enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				struct flight **flight)
{
	/* never 0; a clash only makes somebody wait */
	uint64_t tag = claim_tag(key->low) | (FLIGHT_OWNER_MASK + 1);
	struct flight *other = flight_find(cache, key, tag, NULL);

	if (other)
		return flight_wait(cache, other, tag);
	*flight = flight_claim(cache, key, tag);
	if (!*flight) {
		flight_reap(cache, key);
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
	uint64_t claim = load_acquire(&flight->claim);

	if (claim_owner(claim) == (uint32_t)cache->slot + 1)
		flight_free(flight, claim);
}

void flight_abandon(struct rawcache *cache, uint32_t slot)
{
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++) {
		uint64_t claim = load_acquire(&cache->runtime.flights[i].claim);

		if (claim_owner(claim) == slot + 1)
			flight_free(&cache->runtime.flights[i], claim);
	}
}
