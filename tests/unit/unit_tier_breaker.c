/* SPDX-License-Identifier: MIT */
/* Whom of its servers a tier asks: breakers, prices, patience, data sets that differ. */
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/origin/file.h"
#include "core/shared/cache.h"
#include "core/tier/breaker.h"
#include "core/tier/proof.h"
#include "core/tier/tier.h"
#include "unit/unit.h"

#define MS UINT64_C(1000000)

static void a_breaker_counts_what_fails_together_once(void **state)
{
	struct tier_switch breaker = { 0 };
	uint64_t begun = clock_coarse_ms();

	(void)state;
	assert_true(breaker_allows(&breaker));
	for (int i = 0; i < 8; i++)
		breaker_fails(&breaker, begun);
	assert_int_equal(breaker.level, 1);
	assert_false(breaker_allows(&breaker));
	/* an answer to what was asked before it opened tells nothing */
	breaker_works(&breaker, begun);
	assert_false(breaker_allows(&breaker));
	/* its time is over: one is let through */
	breaker.until = clock_coarse_ms();
	assert_true(breaker_allows(&breaker));
	assert_false(breaker_allows(&breaker));
	breaker_fails(&breaker, breaker.since);
	assert_int_equal(breaker.level, 2);
	breaker.until = clock_coarse_ms();
	assert_true(breaker_allows(&breaker));
	breaker_works(&breaker, breaker.since);
	assert_true(breaker_allows(&breaker));
	assert_true(breaker_allows(&breaker));
}

static void a_breaker_opens_for_half_a_minute_at_most(void **state)
{
	struct tier_switch breaker = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		breaker_fails(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 31000, 32000);
	/* a segment may hold anything */
	breaker.until = UINT64_MAX;
	assert_true(breaker_allows(&breaker));
	/* what is late, and may be this machine's fault, begins with an eighth of that, and ends there, too */
	breaker = (struct tier_switch){ 0 };
	breaker_late(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 100, 125);
	for (int i = 0; i < 20; i++)
		breaker_late(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 31000, 32000);
}

/* A machine that dies with leases is no server that lies about them. */
static void few_waits_in_vain_are_forgiven(void **state)
{
	struct tier_switch breaker = { 0 };

	(void)state;
	breaker_vain(&breaker, UINT64_MAX);
	assert_false(breaker_allows(&breaker));
	breaker = (struct tier_switch){ 0 };
	for (int i = 0; i < 40; i++)
		breaker_waited(&breaker, UINT64_MAX);
	for (int i = 0; i < 8; i++)
		breaker_vain(&breaker, breaker.since);
	/* two were paid for: the third one opens it */
	assert_false(breaker_allows(&breaker));
	assert_int_equal(breaker.credit, 8);
	breaker = (struct tier_switch){ 0 };
	for (int i = 0; i < 40; i++)
		breaker_waited(&breaker, UINT64_MAX);
	breaker_vain(&breaker, breaker.since);
	for (int i = 0; i < 8; i++)
		breaker_vain(&breaker, 0); /* began before, and ended with it */
	breaker_vain(&breaker, breaker.since);
	assert_true(breaker_allows(&breaker));
	breaker_vain(&breaker, breaker.since);
	assert_false(breaker_allows(&breaker));
	/* as many as a machine that dies has leases on a server: eight, not more */
	breaker = (struct tier_switch){ 0 };
	for (int i = 0; i < 1000; i++)
		breaker_waited(&breaker, UINT64_MAX);
	for (int i = 0; i < 8; i++)
		breaker_vain(&breaker, breaker.since);
	assert_true(breaker_allows(&breaker));
	breaker_vain(&breaker, breaker.since);
	assert_false(breaker_allows(&breaker));
	/* a segment may hold anything */
	breaker = (struct tier_switch){ .credit = UINT32_MAX };
	breaker_vain(&breaker, UINT64_MAX);
	assert_false(breaker_allows(&breaker));
}

static void a_tier_that_is_no_faster_is_seldom_asked(void **state)
{
	static struct tier_state segment;
	struct tier_origin *origin = price_of(&segment, 5);
	int asked = 0;

	(void)state;
	assert_true(price_pays(origin));
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 8000000, 8);
		price_hit(origin, 950000, 1);
		price_miss(origin, 100000, 1);
	}
	for (int i = 0; i < 320; i++)
		asked += price_pays(origin);
	assert_int_equal(asked, 10);
	for (int i = 0; i < 100; i++)
		price_hit(origin, 2400000, 8);
	assert_true(price_pays(origin) && price_pays(origin));
	/* one that took a second says nothing about the others */
	price_hit(origin, 1000000000, 1);
	price_miss(origin, 1000000000, 1);
	assert_true(price_pays(origin) && price_pays(origin));
	/* patience follows the origin */
	for (int i = 0; i < 100; i++)
		price_origin(origin, 40000000, 1);
	assert_in_range(price_patience(origin), 18000000, 24000000);
}

/* A mount that stalled once is not slow: nobody shall wait for a server for as long as that took. */
static void a_stall_is_soon_forgotten(void **state)
{
	static struct tier_state segment;
	struct tier_origin *origin = price_of(&segment, 5);

	(void)state;
	for (int i = 0; i < 100; i++)
		price_origin(origin, 10 * MS, 8);
	for (int i = 0; i < 8; i++)
		price_origin(origin, 300000 * MS, 8);
	assert_in_range(price_patience(origin), 10 * MS, 400 * MS);
	for (int i = 0; i < 40; i++)
		price_origin(origin, 10 * MS, 8);
	assert_in_range(price_patience(origin), 5 * MS, 12 * MS);
	/* one that is slow from some day on is known soon */
	for (int i = 0; i < 40; i++)
		price_origin(origin, 1000 * MS, 8);
	assert_in_range(price_patience(origin), 400 * MS, 1000 * MS);
	/* nor is what the first read took, while it was mounted, perhaps */
	origin = price_of(&segment, 6);
	price_origin(origin, 60000 * MS, 1);
	assert_in_range(price_patience(origin), 15 * MS, 60 * MS);
	/* a segment may hold anything */
	origin->origin_ns = origin->spread_ns = UINT64_MAX / 2;
	assert_in_range(price_patience(origin), 15 * MS, 2000 * MS);
}

/* Tests and jobs have many lists, and the segment lasts until the machine is started again. */
static void a_server_has_a_breaker_whatever_was_before(void **state)
{
	static struct tier_state segment;
	struct tier_server *server;

	(void)state;
	for (uint64_t i = 1; i <= TIER_SERVERS; i++)
		breaker_fails(&breaker_of(&segment, 1000 + 2 * i, 0)->asked, UINT64_MAX);
	server = breaker_of(&segment, 7, 0);
	assert_non_null(server);
	assert_int_equal(server->name, 7);
	assert_true(breaker_allows(&server->asked));
	breaker_fails(&server->asked, UINT64_MAX);
	assert_ptr_equal(breaker_of(&segment, 7, 0), server);
	assert_false(breaker_allows(&breaker_of(&segment, 7, 0)->asked));
	/* another container's 127.0.0.1 is another server */
	assert_true(breaker_allows(&breaker_of(&segment, 7, 4026531840)->asked));
}

/* Programs in turn, with as many servers as there are places: none takes another's place again and again. */
static void servers_settle(void **state)
{
	static struct tier_state segment;
	uint64_t lost = 0;

	(void)state;
	for (uint64_t i = 0; i < TIER_SERVERS; i++)
		breaker_of(&segment, 1000 + 2 * i, 0);
	/* all of one place, by their names */
	for (uint64_t i = 1; i <= TIER_SERVERS / 2; i++)
		breaker_fails(&breaker_of(&segment, 100001 + i * TIER_SERVERS, 0)->asked,
			      UINT64_MAX);
	for (uint64_t i = 1; i <= TIER_SERVERS / 2; i++)
		lost += breaker_allows(&breaker_of(&segment, 100001 + i * TIER_SERVERS, 0)->asked);
	assert_int_equal(lost, 0);
}

/* Who only looks takes no place. */
static void looking_writes_nothing(void **state)
{
	static struct tier_state segment, nothing;
	struct tier_server *server;

	(void)state;
	assert_null(breaker_find(&segment, 7, 1));
	assert_memory_equal(&segment, &nothing, sizeof(segment));
	server = breaker_of(&segment, 7, 1);
	assert_ptr_equal(breaker_find(&segment, 7, 1), server);
	assert_null(breaker_find(&segment, 7, 2));
}

/* Misses come behind other chunks' bytes: what many at once take is not the sum. */
static void misses_are_priced_together(void **state)
{
	static struct tier_state segment;
	struct tier_origin *origin = price_of(&segment, 5);

	(void)state;
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 40000000, 8);
		price_miss(origin, 9600000, 8);
	}
	assert_true(price_pays(origin) && price_pays(origin));
	for (int i = 0; i < 100; i++)
		price_miss(origin, 9600000, 1);
	/* answered one by one: a quarter of what a chunk takes is still allowed */
	assert_true(price_pays(origin) && price_pays(origin));
	for (int i = 0; i < 100; i++)
		price_miss(origin, 12000000, 4);
	assert_int_equal(price_pays(origin) + price_pays(origin), 1);
}

/* Take over RAWCACHE_TIER_PREFER=1. */
static void tier_prefer(void)
{
	struct rawcache_options options = { .tier = "127.0.0.1:1",
					    .tier_prefer = 1,
					    .library_open = dlopen,
					    .library_find = dlsym };
	static const char secret[] = "a secret of thirty-two bytes ...";
	char path[] = "/tmp/unit_tier.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, secret, 32), 32);
	close(fd);
	options.tier_key = path;
	tier_setup(&options);
	unlink(path);
}

/* What a program waits for is asked for now and then, too: else it would never be found out that it pays again. */
static void programs_try_again_what_did_not_pay(void **state)
{
	static struct runtime_header header;
	static struct rawcache cache;
	static char path[] = "/mnt/file";
	static struct file file = { .path = path, .size = 1 << 20 };
	struct tier_origin *origin = price_of(&header.tier, 0);
	int wanted = 0;

	(void)state;
	cache.runtime.header = &header;
	tier_active = true;
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 1000000, 1);
		price_hit(origin, 2000000, 1);
	}
	for (int i = 0; i < 320; i++)
		wanted += tier_wants(&cache, &file) > 0;
	tier_active = false;
	assert_int_equal(wanted, 10);
	/* where requests to the origin cost money it is asked whatever it takes */
	tier_prefer();
	assert_true(tier_active);
	for (int i = 0; i < 320; i++)
		assert_true(tier_wants(&cache, &file) > 0);
	tier_active = false;
}

static void *prove_soon(void *file)
{
	usleep(20000);
	store_release(&((struct file *)file)->tier.state, TIER_PROVEN);
	return NULL;
}

/* The first read of an origin takes what it takes: other readers of the file do not read past the tier meanwhile. */
static void what_an_unknown_origin_takes_is_waited_for(void **state)
{
	bool proven = false;

	(void)state;
	/* on a busy machine the thread may come late */
	for (int i = 0; i < 20 && !proven; i++) {
		struct file file = { .size = 4 << 20 };
		struct tier_ask ask = { 0 };
		pthread_t thread;

		file.tier.state = TIER_PROVING;
		assert_int_equal(pthread_create(&thread, NULL, prove_soon, &file), 0);
		proven = proof_first(&file, &ask, -1, NULL, 256 << 10, 0);
		pthread_join(thread, NULL);
	}
	assert_true(proven);
	assert_false(price_known(&(struct tier_origin){ 0 }));
	assert_true(price_known(&(struct tier_origin){ .origin_ns = 1 }));
}

static void late_answers_are_an_exception(void **state)
{
	int spent = 0;

	(void)state;
	while (late_spend())
		spent++;
	assert_int_equal(spent, 32);
	for (int i = 0; i < 100; i++)
		late_earn();
	for (spent = 0; late_spend(); spent++)
		;
	assert_int_equal(spent, 10);
}

static void data_sets_that_differ_are_kept(void **state)
{
	static struct tier_state segment;

	(void)state;
	assert_false(differing(&segment, 7));
	differing_note(&segment, 7);
	assert_true(differing(&segment, 7));
	assert_false(differing(&segment, 9));
	for (uint64_t i = 0; i < TIER_NAMES; i++)
		differing_note(&segment, 100 + i);
	/* there is no place for another: nothing is shared */
	assert_true(differing(&segment, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_breaker_counts_what_fails_together_once),
		cmocka_unit_test(a_breaker_opens_for_half_a_minute_at_most),
		cmocka_unit_test(few_waits_in_vain_are_forgiven),
		cmocka_unit_test(a_tier_that_is_no_faster_is_seldom_asked),
		cmocka_unit_test(a_stall_is_soon_forgotten),
		cmocka_unit_test(a_server_has_a_breaker_whatever_was_before),
		cmocka_unit_test(servers_settle),
		cmocka_unit_test(looking_writes_nothing),
		cmocka_unit_test(misses_are_priced_together),
		cmocka_unit_test(programs_try_again_what_did_not_pay),
		cmocka_unit_test(what_an_unknown_origin_takes_is_waited_for),
		cmocka_unit_test(late_answers_are_an_exception),
		cmocka_unit_test(data_sets_that_differ_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
