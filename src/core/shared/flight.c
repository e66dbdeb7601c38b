/* SPDX-License-Identifier: MIT */
#include "core/shared/flight.h"

#include <errno.h>
#include <linux/futex.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/patience.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/image/place.h"
#include "core/shared/cache.h"
#include "core/shared/flight_table.h"
#include "core/shared/process.h"

#define SLICE_NS 20000000 /* after each the waiter looks whether the owner lives */

/* Whether the owner has taken no step since a waiter timed out on it. */
static bool owner_stalled(const struct rawcache *cache, uint64_t claim)
{
	const struct process_slot *slot = claim_slot(cache, claim);

	return slot && load_relaxed(&slot->blamed_steps) == load_relaxed(&slot->steps);
}

/*
 * Find the flight of `tag` among the neighbours, or NULL. With `below`, only those before it: of two
 * flights that began at once, the one in the earlier place goes on.
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

/*
 * Record that the flight is ours. Its life is counted by its claimer, never by the process that gives it
 * up: another may have claimed it by then. Until flight_ready() the word `ready` holds that life.
 */
static void claim_take(const struct rawcache *cache, struct claim *mine, struct flight *flight,
		       uint64_t tag)
{
	mine->flight = flight;
	mine->claim = claim_of(cache, tag);
	mine->life = fetch_add(&flight->life, 1) + 1;
	mine->ready = mine->life & ~CHUNK_VALID;
	store_relaxed(&flight->ahead, 0);
	store_release(&flight->ready, mine->ready);
}

static bool flight_claim(struct rawcache *cache, const struct key *key, uint64_t tag,
			 struct claim *mine)
{
	owner_step(cache, claim_of(cache, tag));
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);
		uint64_t none = 0;

		if (load_relaxed(&flight->claim) ||
		    !cas(&flight->claim, &none, claim_of(cache, tag)))
			continue;
		CRASH_POINT(flight_claimed);
		claim_take(cache, mine, flight, tag);
		return true;
	}
	return false;
}

/*
 * The last take-over: clock_coarse_ms() and the owner that did not come back. Two words that are not of one
 * take-over make a wait shorter or longer, no more.
 */
static uint64_t taken_over_ms;
static uint32_t taken_over_owner;

static uint64_t ahead_patience_ns(uint64_t claim)
{
	bool again = claim_owner(claim) == load_relaxed(&taken_over_owner) &&
		     clock_coarse_ms() - load_relaxed(&taken_over_ms) < FLIGHT_AHEAD_MEMORY_MS;

	return (again ? FLIGHT_AHEAD_AGAIN_MS : FLIGHT_AHEAD_MS) * UINT64_C(1000000);
}

/* Take over the flight of an owner that reads ahead and is busy with something else. */
static bool flight_take_over(struct rawcache *cache, struct flight *flight, uint64_t claim,
			     struct claim *mine)
{
	uint64_t tag = claim_tag(claim);
	uint32_t owner = claim_owner(claim);

	if (!load_relaxed(&flight->ahead))
		return false;
	owner_step(cache, claim_of(cache, tag));
	if (!cas(&flight->claim, &claim, claim_of(cache, tag)))
		return false;
	fetch_add(&flight->word, 1);
	claim_take(cache, mine, flight, tag);
	CRASH_POINT(flight_taken);
	store_relaxed(&taken_over_owner, owner);
	store_relaxed(&taken_over_ms, clock_coarse_ms());
	return true;
}

/*
 * How far the owner is, in one word, which cannot be half of one owner's and half of another's. From the
 * low bit: page (32 bits), number of pages that are written there (7), low bits of the region's generation
 * (24), valid (1). Until then the word holds the flight's life: an owner that comes back from a long sleep
 * does not find its own life there, and reports nothing about a chunk that has the place by then.
 */
#define READY_PAGES_SHIFT 32
#define READY_GENERATION_SHIFT 39
#define READY_GENERATION_MASK 0xffffffu

/* Whether the owner has stored the first `needed` bytes at *place. */
static bool flight_has(const struct rawcache *cache, const struct flight *flight, uint32_t needed,
		       uint64_t *place)
{
	uint64_t ready = load_acquire(&flight->ready); /* pairs with flight_ready() */
	uint32_t pages = (uint32_t)(ready >> READY_PAGES_SHIFT) & 0x7f;
	uint32_t page = (uint32_t)ready;
	uint32_t generation;

	if (!(ready & CHUNK_VALID) || pages * FORMAT_PAGE < needed ||
	    page >= cache->image.total_pages)
		return false;
	generation = generation_before(&cache->image, page);
	if (((ready >> READY_GENERATION_SHIFT) ^ generation) & READY_GENERATION_MASK)
		return false;
	*place = chunk_place(page, generation);
	return true;
}

/* Whether the claim's owner lives. The claim of a dead owner is freed. */
static bool claim_alive(struct rawcache *cache, struct flight *flight, uint64_t claim)
{
	uint32_t owner = claim_owner(claim);

	if (owner && owner <= RUNTIME_SLOTS && process_alive(cache, owner - 1))
		return true;
	flight_free(flight, claim);
	return false;
}

/* Look at a flight once and return whether there is a result. `waited` in ns. */
static bool flight_look(struct rawcache *cache, struct flight *flight, uint64_t tag,
			const struct flight_need *need, uint64_t waited, struct claim *mine,
			enum flight_result *result)
{
	uint64_t life = load_acquire(&flight->life);
	uint64_t claim = load_acquire(&flight->claim);
	bool ready = claim_tag(claim) == tag && flight_has(cache, flight, need->bytes, need->place);

	fence_acquire(); /* `ready` belongs to this claim if the claim still stands */
	if (claim_tag(claim) != tag || load_relaxed(&flight->claim) != claim ||
	    load_relaxed(&flight->life) != life)
		*result = FLIGHT_ENDED;
	else if (ready)
		*result = FLIGHT_READY;
	else if (waited > ahead_patience_ns(claim) && flight_take_over(cache, flight, claim, mine))
		*result = FLIGHT_OWNER;
	else
		return false;
	return true;
}

/* Sleep for a slice. Returns false if the owner has reported something before it was over. */
static bool slice_wait(struct flight *flight, uint32_t word, uint64_t claim, bool ahead)
{
	struct timespec slice = { 0, SLICE_NS };
	int err;

	if (ahead && ahead_patience_ns(claim) < SLICE_NS)
		slice.tv_nsec = FLIGHT_AHEAD_AGAIN_MS * 1000000;
	err = sys_futex(&flight->word, FUTEX_WAIT, word, &slice);
	/* a program's own timer may interrupt every slice: time passes all the same */
	return err == -ETIMEDOUT || err == -EINTR;
}

/* Nobody waits for the owner of a flight any more, until it goes on from `steps`. */
static void owner_blame(struct flight *flight, struct process_slot *owner, uint32_t steps)
{
	store_relaxed(&flight->slow, 1);
	if (owner)
		store_relaxed(&owner->blamed_steps,
			      steps); /* no harm if it has taken a step since */
}

/*
 * Sleep until the flight of `tag` has ended or is far enough. The death of its owner ends it. FLIGHT_ALONE:
 * the owner is too slow.
 */
static enum flight_result flight_wait(struct rawcache *cache, struct flight *flight, uint64_t tag,
				      const struct flight_need *need, struct claim *mine)
{
	struct process_slot *owner = claim_slot(cache, load_acquire(&flight->claim));
	uint32_t steps = owner ? load_relaxed(&owner->steps) : 0;
	uint64_t start = clock_mono_ns();
	enum flight_result result = FLIGHT_ALONE;

	stats_add(fill_waits, 1);
	fetch_add(&flight->waiters, 1);
	for (;;) {
		uint32_t word = load_acquire(&flight->word);
		uint64_t claim = load_acquire(&flight->claim);
		bool ahead = load_relaxed(&flight->ahead);
		/* a chunk that is read ahead can be taken over, so a short wait is worth it */
		bool slow = load_relaxed(&flight->slow) || (!ahead && owner_stalled(cache, claim));
		uint64_t waited = clock_mono_ns() - start;

		if (flight_look(cache, flight, tag, need, waited, mine, &result))
			break;
		if (!slow && !slice_wait(flight, word, claim, ahead))
			continue;
		if (!claim_alive(cache, flight, claim))
			continue;
		if (slow)
			break;
		if (waited > FLIGHT_PATIENCE_MS * UINT64_C(1000000))
			owner_blame(flight, owner, steps);
	}
	fetch_sub(&flight->waiters, 1);
	if (result == FLIGHT_OWNER || result == FLIGHT_ALONE)
		stats_add(fill_waits_vain, 1);
	return result;
}

/* All neighbours are taken: free those of dead processes. */
static void flight_reap(struct rawcache *cache, const struct key *key)
{
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct flight *flight = flight_at(cache, key, i);
		uint64_t claim = load_acquire(&flight->claim);

		if (claim)
			claim_alive(cache, flight, claim);
	}
}

/* never 0; two keys with one tag only make somebody wait */
static uint64_t tag_of(const struct key *key)
{
	return claim_tag(key->low) | (FLIGHT_OWNER_MASK + 1);
}

enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				const struct flight_need *need, struct claim *mine)
{
	uint64_t tag = tag_of(key);
	struct flight *other = flight_find(cache, key, tag, NULL);

	mine->flight = NULL;
	if (other)
		return flight_wait(cache, other, tag, need, mine);
	if (!flight_claim(cache, key, tag, mine)) {
		flight_reap(cache, key);
		stats_bypass(RAWCACHE_REASON_busy);
		return FLIGHT_ALONE;
	}
	fence_full(); /* of two that claim at once, one sees the other's claim */
	other = flight_find(cache, key, tag, mine->flight);
	if (!other)
		return FLIGHT_OWNER;
	flight_end(cache, mine);
	return flight_wait(cache, other, tag, need, mine);
}

bool flight_try(struct rawcache *cache, const struct key *key, struct claim *mine)
{
	uint64_t tag = tag_of(key);

	mine->flight = NULL;
	if (flight_find(cache, key, tag, NULL) || !flight_claim(cache, key, tag, mine))
		return false;
	fence_full();
	if (flight_find(cache, key, tag, mine->flight)) {
		flight_end(cache, mine);
		return false;
	}
	store_relaxed(&mine->flight->ahead, 1);
	return true;
}

void flight_attend(const struct claim *mine)
{
	if (mine->flight && load_relaxed(&mine->flight->claim) == mine->claim)
		store_relaxed(&mine->flight->ahead, 0);
}

void flight_neglect(const struct claim *mine)
{
	if (flight_mine(mine))
		store_relaxed(&mine->flight->ahead, 1);
}

bool flight_mine(const struct claim *mine)
{
	return mine->flight && load_acquire(&mine->flight->claim) == mine->claim &&
	       load_acquire(&mine->flight->life) == mine->life;
}

void flight_ready(struct rawcache *cache, struct claim *mine, uint32_t page, uint32_t generation,
		  uint32_t pages)
{
	uint64_t ready = CHUNK_VALID |
			 (uint64_t)(generation & READY_GENERATION_MASK) << READY_GENERATION_SHIFT |
			 (uint64_t)pages << READY_PAGES_SHIFT | page;
	/* a word that another owner wrote must not be used next time */
	uint64_t before = mine->ready;

	if (!cas(&mine->flight->ready, &before, ready)) /* pairs with flight_has() */
		return;
	mine->ready = ready;
	owner_step(cache, mine->claim);
	CRASH_POINT(flight_shown);
	if (load_acquire(&mine->flight->waiters))
		flight_wake(&mine->flight->word);
}

void flight_end(struct rawcache *cache, struct claim *mine)
{
	if (mine->flight)
		owner_step(cache, mine->claim);
	if (flight_mine(mine))
		flight_free(mine->flight, mine->claim);
	mine->flight = NULL;
}
