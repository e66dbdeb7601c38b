/* SPDX-License-Identifier: MIT */
/* Whom of its servers a tier asks: breakers, prices, patience, data sets that differ. */
#include <dlfcn.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/origin/file.h"
#include "core/shared/cache.h"
#include "core/tier/breaker.h"
#include "core/tier/tier.h"
#include "unit/unit.h"

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
		price_miss(origin, 9600000, 4);
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
		cmocka_unit_test(a_tier_that_is_no_faster_is_seldom_asked),
		cmocka_unit_test(misses_are_priced_together),
		cmocka_unit_test(programs_try_again_what_did_not_pay),
		cmocka_unit_test(late_answers_are_an_exception),
		cmocka_unit_test(data_sets_that_differ_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
