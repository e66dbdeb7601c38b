/* SPDX-License-Identifier: MIT */
#include "core/shared/region_hold.h"

#include <errno.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/shared/hold_row.h"
#include "core/shared/process.h"
#include "core/shared/slot.h"

/* Stands in place of a count while the last hold is released and its bit is being cleared. */
#define COUNT_ENDS UINT32_MAX
#define REAP_MS 1000u
/*
 * The least number of regions that no mapping holds: two are filled, two lie clean, and the others serve
 * stores until holds are released.
 */
#define YIELDING_REST 8u

static uint32_t limit_own(const struct rawcache *cache, unsigned int set)
{
	return set == HOLD_FIRMLY ? hold_bits(cache) / 4 : UINT32_MAX;
}

/* How many bits all processes together may set without looking at the others' rows. */
static uint32_t limit_unseen(const struct rawcache *cache)
{
	return hold_bits(cache) / 16;
}

/*
 * How many bits may be set in all rows: half of them for firm holds. With yielding holds nearly all, except
 * for the regions that are being filled and a few that can be recycled until the first process that was
 * asked has released one.
 */
static uint32_t limit_all(const struct rawcache *cache, unsigned int set)
{
	uint32_t bits = hold_bits(cache);
	uint64_t rest = max_u64(bits / 16, YIELDING_REST);
	uint64_t all = set == HOLD_FIRMLY ? bits / 2 :
					    max_u64(bits / 2, bits - min_u64(bits, rest));

	return (uint32_t)all - limit_unseen(cache);
}

uint32_t holds_count(const struct rawcache *cache, unsigned int set)
{
	uint32_t words = cache->runtime.hold_words;
	uint32_t high = process_high(cache);
	uint32_t count = 0;

	for (uint32_t w = 0; w < words; w++) {
		uint64_t any = 0;

		for (uint32_t i = 0; i < high; i++)
			any |= load_relaxed(&cache->runtime.holds[set][(size_t)i * words + w]);
		count += (uint32_t)__builtin_popcountll(any);
	}
	return count;
}

static bool held_by_others(const struct rawcache *cache, unsigned int set, uint32_t region)
{
	uint32_t high = process_high(cache);

	for (uint32_t i = 0; i < high; i++)
		if ((int32_t)i != cache->slot && hold_of(cache, set, i, region))
			return true;
	return false;
}

/* Clear the rows of dead processes, without waiting for a recycler to find them. */
static bool holds_reap(struct rawcache *cache)
{
	uint64_t now = clock_coarse_ms();

	if (now - load_relaxed(&cache->reaped_ms) < REAP_MS)
		return false;
	store_relaxed(&cache->reaped_ms, now);
	process_reap(cache);
	return true;
}

/*
 * Whether this process may hold one more region, whose bit is already set; `own` bits were set before. The
 * bit is set before counting, so that processes which come at the same time cannot all believe that there
 * is room for one more.
 */
static bool holds_allowed(struct rawcache *cache, unsigned int set, uint32_t region, uint32_t own)
{
	uint32_t unseen = limit_unseen(cache) / (process_high(cache) + 1);
	uint32_t *looked = &cache->holds[set].looked;

	if (own >= limit_own(cache, set))
		return false;
	/* with few processes and a large image, the rows need not be counted for each view */
	if (own < load_relaxed(looked) + unseen)
		return true;
	fence_full(); /* pairs with itself in another process: one of the two sees the other's bit */
	do {
		if (holds_count(cache, set) <= limit_all(cache, set) ||
		    held_by_others(cache, set, region)) {
			store_relaxed(looked, own + 1);
			return true;
		}
	} while (holds_reap(cache));
	return false;
}

/*
 * Returns false if another thread is clearing the bit and does not finish, or if we run in a handler that
 * interrupted it: a bit that we set meanwhile would be cleared.
 */
static bool count_add(uint32_t *count, uint32_t *before)
{
	struct timespec nap = { 0, HOLD_NAP_NS };
	uint32_t n = load_relaxed(count);

	for (int tries = 0; tries < HOLD_SPINS + HOLD_NAPS;) {
		if (n != COUNT_ENDS) {
			if (!cas(count, &n, n + 1))
				continue;
			*before = n;
			return true;
		}
		if (tries++ < HOLD_SPINS)
			cpu_relax();
		else
			sys_nanosleep(&nap);
		n = load_relaxed(count);
	}
	return false;
}

/* Returns false if nothing was counted. */
static bool set_add(struct rawcache *cache, unsigned int set, uint32_t region, uint32_t *before)
{
	uint64_t bit;
	uint64_t *word = hold_word(cache, set, region, &bit);

	if (!cache->holds[set].counts || !count_add(hold_count(cache, set, region), before))
		return false;
	/* set by every thread: the one that came first may not have set it yet */
	if (!(load_relaxed(word) & bit))
		fetch_or(word, bit);
	return true;
}

static void set_put(struct rawcache *cache, unsigned int set, uint32_t region)
{
	struct hold_set *holds = &cache->holds[set];
	uint32_t *count;
	uint64_t *word;
	uint64_t bit;
	uint32_t own;
	uint32_t n;

	if (!holds->counts)
		return;
	count = hold_count(cache, set, region);
	n = load_relaxed(count);
	do {
		/* never below 0: a fork child may release a hold that only its parent had */
		if (!n || n == COUNT_ENDS)
			return;
	} while (!cas(count, &n, n > 1 ? n - 1 : COUNT_ENDS));
	if (n > 1)
		return;
	word = hold_word(cache, set, region, &bit);
	CRASH_POINT(hold_last);
	fetch_and(word, ~bit);
	store_release(count, 0);
	own = fetch_sub(&holds->bits, 1) - 1;
	if (own < load_relaxed(&holds->looked))
		store_relaxed(&holds->looked, own);
}

/* Returns false if nothing has changed. */
static bool set_get(struct rawcache *cache, unsigned int set, uint32_t region, bool limited)
{
	uint32_t before;
	uint32_t own;

	if (!set_add(cache, set, region, &before))
		return false;
	if (before)
		return true;
	own = fetch_add(&cache->holds[set].bits, 1);
	if (!limited || holds_allowed(cache, set, region, own))
		return true;
	set_put(cache, set, region);
	return false;
}

int hold_get(struct rawcache *cache, uint32_t region, uint32_t generation, enum hold_kind kind)
{
	int err = cache_slot_need(cache);

	return err ? err : hold_get_more(cache, region, generation, kind);
}

int hold_get_more(struct rawcache *cache, uint32_t region, uint32_t generation, enum hold_kind kind)
{
	/* firm holds have a limit of their own, so yielding ones do not stand in their way */
	if (!set_get(cache, HOLD_ALL, region, kind == HOLD_YIELDS))
		return -EAGAIN;
	if (kind == HOLD_FIRM && !hold_firm(cache, region, true)) {
		set_put(cache, HOLD_ALL, region);
		return -EAGAIN;
	}
	CRASH_POINT(hold_counted);
	fence_full(); /* pairs with the one in recycle_region() */
	if (load_acquire(&cache->image.regions[region].generation) == generation)
		return 0;
	hold_put(cache, region, kind);
	return -ESTALE;
}

void hold_more(struct rawcache *cache, uint32_t region, enum hold_kind kind)
{
	if (cache->slot < 0)
		return;
	set_get(cache, HOLD_ALL, region, false);
	if (kind == HOLD_FIRM)
		set_get(cache, HOLD_FIRMLY, region, false);
}

bool hold_firm(struct rawcache *cache, uint32_t region, bool limited)
{
	return cache->slot >= 0 && set_get(cache, HOLD_FIRMLY, region, limited);
}

void hold_put(struct rawcache *cache, uint32_t region, enum hold_kind kind)
{
	if (cache->slot < 0)
		return;
	if (kind == HOLD_FIRM)
		set_put(cache, HOLD_FIRMLY, region);
	set_put(cache, HOLD_ALL, region);
	CRASH_POINT(hold_put);
}
