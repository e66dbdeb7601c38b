/* SPDX-License-Identifier: MIT */
#include "core/tier/breaker.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"

#define PAUSE_MS 1000u	    /* the first pause: see breaker.h */
#define PAUSE_LATE_MS 125u  /* the server says nothing, or answers late: it may be this machine */
#define PAUSE_MAX_MS 32000u /* the longest one */
#define PROBE_MS 125u	    /* then the next one is let through */
#define LEVEL_MAX 9u	    /* from the shortest to the longest pause */
#define MS_NS UINT64_C(1000000) /* a millisecond */
/* Assumed while nothing is known of the origin. */
#define UNKNOWN_NS (30 * MS_NS)
/*
 * A mount that stalled for minutes, once, is not one that takes minutes: nothing counts for more than four times what
 * was known. And what takes longer than this hangs: a choice.
 */
#define OUTLIER 4u
#define EXPECTED_MAX_NS (4000 * MS_NS)
#define SHARE_UNKNOWN_NS (2 * MS_NS)
/* Less than this is two time slices of a busy machine, not a slow server. */
#define PATIENCE_MIN_NS (8 * MS_NS)
/* The newest measurement counts for an eighth. */
#define WEIGHT 8
/*
 * What answers cost is judged over so many: a moment in which this machine stands still takes a few of them at once.
 * Where the tier is seldom asked because of that, the newest counts for an eighth, for it to be found out soon.
 */
#define PRICE_WEIGHT 64
#define PRICE_MIN 64u
#define PRICE_TURNS 32u
/* One wait in vain is allowed for so many that gave the chunk, and a few at a time. */
#define WAITS_PRICE 16u
#define WAITS_MAX (8 * WAITS_PRICE)
#define LATE_PRICE 10
#define LATE_MAX (32 * LATE_PRICE)

static int32_t late_credit = LATE_MAX;

/* Lists of servers have changed until there was no place left: one of them is a stranger's, and begins anew. */
static struct tier_server *server_instead(struct tier_server *server, uint64_t name)
{
	struct tier_switch *const switches[] = { &server->asked, &server->leases };

	for (size_t i = 0; i < 2; i++) {
		store_relaxed(&switches[i]->until, 0);
		store_relaxed(&switches[i]->since, 0);
		store_relaxed(&switches[i]->level, 0);
		store_relaxed(&switches[i]->credit, 0);
	}
	store_relaxed(&server->answer_us, 0);
	store_relaxed(&server->error, 0);
	store_relaxed(&server->name, name);
	return server;
}

static uint64_t name_in(uint64_t name, uint64_t network)
{
	return (name ^ network << 32 ^ network) | 1;
}

struct tier_server *breaker_of(struct tier_state *state, uint64_t name, uint64_t network)
{
	static uint32_t turn;

	name = name_in(name, network);
	for (uint32_t i = 0; i < TIER_SERVERS; i++) {
		struct tier_server *server = &state->server[(name + i) % TIER_SERVERS];
		uint64_t seen = load_relaxed(&server->name);

		if (seen == name || (!seen && cas(&server->name, &seen, name)) || seen == name)
			return server;
	}
	/* each in turn: of two servers that are asked, neither must take the other's place for ever */
	return server_instead(&state->server[((name >> 32) + fetch_add(&turn, 1)) % TIER_SERVERS],
			      name);
}

const struct tier_server *breaker_find(const struct tier_state *state, uint64_t name,
				       uint64_t network)
{
	name = name_in(name, network);
	for (uint32_t i = 0; i < TIER_SERVERS; i++)
		if (load_relaxed(&state->server[i].name) == name)
			return &state->server[i];
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

void breaker_waited(struct tier_switch *breaker, uint64_t begun)
{
	uint32_t credit = load_relaxed(&breaker->credit);

	if (credit < WAITS_MAX)
		store_relaxed(&breaker->credit, credit + 1);
	breaker_works(breaker, begun);
}

void breaker_vain(struct tier_switch *breaker, uint64_t begun)
{
	uint32_t credit = load_relaxed(&breaker->credit);

	if (begun < load_relaxed(&breaker->since))
		return;
	if (credit < WAITS_PRICE || credit > WAITS_MAX) {
		breaker_late(breaker, begun);
		return;
	}
	/* others that ended with it do not pay */
	store_relaxed(&breaker->credit, credit - WAITS_PRICE);
	store_relaxed(&breaker->since, clock_coarse_ms() + 1);
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

	if (!ns)
		return UNKNOWN_NS;
	ns = min_u64(ns, EXPECTED_MAX_NS);
	return min_u64(ns + 2 * min_u64(load_relaxed(&origin->spread_ns), EXPECTED_MAX_NS),
		       EXPECTED_MAX_NS);
}

bool price_known(const struct tier_origin *origin)
{
	return load_relaxed(&origin->origin_ns);
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

static void average_of(uint64_t *mean, uint64_t ns, uint32_t weight)
{
	uint64_t before = load_relaxed(mean);

	store_relaxed(mean, before ? before - before / weight + ns / weight : ns);
}

static void average(uint64_t *mean, uint64_t ns)
{
	average_of(mean, ns, WEIGHT);
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

void breaker_hedged(struct tier_server *server)
{
	fetch_add(&server->asked.late, 1);
}

void price_origin(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	uint64_t mean = load_relaxed(&origin->origin_ns);

	ns = min_u64(ns, OUTLIER * (mean ? min_u64(mean, EXPECTED_MAX_NS) : UNKNOWN_NS));
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

/*
 * A miss moves no bytes: what it costs is that its chunk's read begins later. It is divided by the reads that the
 * origin has at once, if there are more of them than questions: they all go on meanwhile. So a few misses that are
 * answered one by one, by a busy machine, are compared with what one chunk takes, not with its share.
 */
static uint64_t miss_cost(const struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	uint64_t cost = load_relaxed(&origin->origin_cost);
	uint64_t reads = cost ? load_relaxed(&origin->origin_ns) / cost : 0;

	return ns / max_u64(depth, reads);
}

/* A few that took very long are not what most take: none counts for more than twice what is allowed. */
static void average_priced(uint64_t *mean, uint64_t ns, uint64_t limit)
{
	bool dear = limit && load_relaxed(mean) > limit;

	average_of(mean, limit ? min_u64(ns, 2 * limit) : ns, dear ? WEIGHT : PRICE_WEIGHT);
}

void price_hit(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	average_priced(&origin->hit_cost, ns / depth, hit_limit(origin));
	store_relaxed(&origin->hits, load_relaxed(&origin->hits) + 1);
}

void price_miss(struct tier_origin *origin, uint64_t ns, uint32_t depth)
{
	average_priced(&origin->miss_cost, miss_cost(origin, ns, depth), miss_limit(origin));
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
