/* SPDX-License-Identifier: MIT */
#include "core/tier/breaker.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"

#define PAUSE_MS 1000u
#define PAUSE_LATE_MS 125u /* the server says nothing, or answers late: it may be this machine */
#define PAUSE_MAX_MS 32000u
#define PROBE_MS 125u
#define LEVEL_MAX 9u /* from the shortest to the longest pause */
#define MS_NS UINT64_C(1000000)
/* Assumed while nothing is known of the origin. */
#define UNKNOWN_NS (30 * MS_NS)
#define SHARE_UNKNOWN_NS (2 * MS_NS)
/* Less than this is two time slices of a busy machine, not a slow server. */
#define PATIENCE_MIN_NS (8 * MS_NS)
/* The newest measurement counts for an eighth. */
#define WEIGHT 8
#define PRICE_MIN 64u
#define PRICE_TURNS 32u
#define LATE_PRICE 10
#define LATE_MAX (32 * LATE_PRICE)

static int32_t late_credit = LATE_MAX;

struct tier_server *breaker_of(struct tier_state *state, uint64_t name)
{
	for (uint32_t i = 0; i < TIER_SERVERS; i++) {
		struct tier_server *server = &state->server[(name + i) % TIER_SERVERS];
		uint64_t seen = load_relaxed(&server->name);

		if (seen == name || (!seen && cas(&server->name, &seen, name)) || seen == name)
			return server;
	}
	return NULL;
}

bool breaker_allows(struct tier_switch *breaker)
{
	uint64_t until = load_relaxed(&breaker->until);
	uint64_t now = clock_coarse_ms();

	/* a time that is too far away comes from a damaged segment */
	if (!until || until > now + PAUSE_MAX_MS)
		return true;
	return now >= until && cas(&breaker->until, &until, now + PROBE_MS);
}

void breaker_works(struct tier_switch *breaker, uint64_t begun)
{
	if (!load_relaxed(&breaker->until) || begun < load_relaxed(&breaker->since))
		return;
	store_relaxed(&breaker->level, 0);
	store_relaxed(&breaker->until, 0);
}

static void breaker_open(struct tier_switch *breaker, uint32_t level, uint32_t pause)
{
	uint64_t now = clock_coarse_ms();

	store_relaxed(&breaker->since, now + 1);
	store_relaxed(&breaker->level, level);
	store_relaxed(&breaker->until, now + min_u64((uint64_t)pause << (level - 1), PAUSE_MAX_MS));
}

static void breaker_count(struct tier_switch *breaker, uint64_t begun, uint32_t pause)
{
	uint64_t since = load_relaxed(&breaker->since);
	uint32_t level = (uint32_t)min_u64(load_relaxed(&breaker->level), LEVEL_MAX - 1) + 1;

	if (begun < since || !cas(&breaker->since, &since, clock_coarse_ms() + 1))
		return;
	breaker_open(breaker, level, pause);
}

void breaker_fails(struct tier_switch *breaker, uint64_t begun)
{
	breaker_count(breaker, begun, PAUSE_MS);
}

void breaker_late(struct tier_switch *breaker, uint64_t begun)
{
	breaker_count(breaker, begun, PAUSE_LATE_MS);
}

void breaker_condemn(struct tier_switch *breaker)
{
	breaker_open(breaker, LEVEL_MAX, PAUSE_MS);
}

struct tier_origin *price_of(struct tier_state *state, uint64_t device)
{
	struct tier_origin *origin = &state->origin[(device ^ device >> 32) % TIER_ORIGINS];

	if (load_relaxed(&origin->device) != device) {
		store_relaxed(&origin->origin_ns, 0);
		store_relaxed(&origin->spread_ns, 0);
		store_relaxed(&origin->origin_cost, 0);
		store_relaxed(&origin->hit_cost, 0);
		store_relaxed(&origin->miss_cost, 0);
		store_relaxed(&origin->hits, 0);
		store_relaxed(&origin->misses, 0);
		store_relaxed(&origin->device, device);
	}
	return origin;
}

uint64_t price_expected(const struct tier_origin *origin)
{
	uint64_t ns = load_relaxed(&origin->origin_ns);

	return ns ? ns + 2 * load_relaxed(&origin->spread_ns) : UNKNOWN_NS;
}

uint64_t price_patience(const struct tier_origin *origin)
{
	return max_u64(price_expected(origin) / 2, PATIENCE_MIN_NS);
}

uint64_t price_share(const struct tier_origin *origin)
{
	uint64_t cost = load_relaxed(&origin->origin_cost);

	return min_u64(cost ? cost : SHARE_UNKNOWN_NS, price_expected(origin)) / 2;
}

static void average(uint64_t *mean, uint64_t ns)
{
	uint64_t before = load_relaxed(mean);

	store_relaxed(mean, before ? before - before / WEIGHT + ns / WEIGHT : ns);
}

void breaker_answered(struct tier_server *server, uint64_t ns)
{
	uint32_t us = (uint32_t)min_u64(ns / 1000, UINT32_MAX);
	uint32_t before = load_relaxed(&server->answer_us);

	store_relaxed(&server->answer_us, before ? before - before / WEIGHT + us / WEIGHT : us);
}

void breaker_error(struct tier_server *server, int error)
{
	store_relaxed(&server->error, error);
}

void price_origin(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	uint64_t mean = load_relaxed(&origin->origin_ns);

	if (mean)
		average(&origin->spread_ns, ns > mean ? ns - mean : mean - ns);
	average(&origin->origin_ns, ns);
	average(&origin->origin_cost, ns / depth);
}

/* A hit must be faster than the origin by a tenth; a miss may cost a quarter of it, for somebody's later hit. */
static uint64_t hit_limit(const struct tier_origin *origin)
{
	uint64_t cost = load_relaxed(&origin->origin_cost);

	return cost - cost / 10;
}

static uint64_t miss_limit(const struct tier_origin *origin)
{
	return load_relaxed(&origin->origin_cost) / 4;
}

/* A few that took very long are not what most take: none counts for more than twice what is allowed. */
static void average_priced(uint64_t *mean, uint64_t ns, uint64_t limit)
{
	average(mean, limit ? min_u64(ns, 2 * limit) : ns);
}

void price_hit(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	average_priced(&origin->hit_cost, ns / depth, hit_limit(origin));
	store_relaxed(&origin->hits, load_relaxed(&origin->hits) + 1);
}

void price_miss(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	average_priced(&origin->miss_cost, ns / depth, miss_limit(origin));
	store_relaxed(&origin->misses, load_relaxed(&origin->misses) + 1);
}

static bool price_good(const struct tier_origin *origin)
{
	if (!load_relaxed(&origin->origin_cost))
		return true;
	if (load_relaxed(&origin->hits) >= PRICE_MIN &&
	    load_relaxed(&origin->hit_cost) > hit_limit(origin))
		return false;
	return load_relaxed(&origin->misses) < PRICE_MIN ||
	       load_relaxed(&origin->miss_cost) <= miss_limit(origin);
}

bool price_pays(struct tier_origin *origin)
{
	return price_good(origin) || fetch_add(&origin->turn, 1) % PRICE_TURNS == 0;
}

void late_earn(void)
{
	if (load_relaxed(&late_credit) < LATE_MAX)
		fetch_add(&late_credit, 1);
}

bool late_spend(void)
{
	int32_t credit = load_relaxed(&late_credit);

	while (credit >= LATE_PRICE)
		if (cas(&late_credit, &credit, credit - LATE_PRICE))
			return true;
	return false;
}

bool differing(const struct tier_state *state, uint64_t name)
{
	for (uint32_t i = 0; i < TIER_NAMES; i++)
		if (load_relaxed(&state->differing[i]) == name)
			return true;
	/* there was no place left for another one */
	return load_relaxed(&state->differing[TIER_NAMES - 1]);
}

void differing_note(struct tier_state *state, uint64_t name)
{
	for (uint32_t i = 0; i < TIER_NAMES; i++) {
		uint64_t seen = 0;

		if (cas(&state->differing[i], &seen, name) || seen == name)
			return;
	}
}
