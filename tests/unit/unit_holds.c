/* SPDX-License-Identifier: MIT */
/* Holds, where there are more regions than an array of counters could have had. */
#include "unit/limits.h"

#include <pthread.h>

#include "core/shared/hold_ask.h"
#include "core/shared/pin.h"
#include "core/shared/region_hold.h"
#include "core/space/recycle.h"

#define MANY_BYTES (400u << 20)

static int hold_one(struct rawcache *cache, uint32_t region)
{
	return hold_get(cache, region, cache->image.regions[region].generation, HOLD_FIRM);
}

/* Hold regions from `first` on, as many as may be had. */
static uint32_t hold_many(struct rawcache *cache, uint32_t first)
{
	uint32_t n = first;

	while (n < cache->image.sb.region_count && !hold_one(cache, n))
		n++;
	return n - first;
}

static void body_hold(void *arg)
{
	const uint32_t *first = arg;

	hold_many(attach(limits_image), *first);
}

static unsigned int held_in(const struct rawcache *cache)
{
	unsigned int held = 0;

	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
			if (hold_by(cache, i, n)) {
				held++;
				break;
			}
	return held;
}

/* A hold is of one region, and the limits are shares of all. */
static void test_holds(void **state)
{
	struct rawcache *cache[4];
	uint32_t count, quarter, high;
	pid_t pid;

	(void)state;
	unlink(limits_image);
	image_make(limits_image, MANY_BYTES);
	for (int i = 0; i < 4; i++)
		cache[i] = attach(limits_image);
	count = cache[0]->image.sb.region_count;
	quarter = count / 4;
	assert_true(count > 700);
	assert_int_equal(hold_one(cache[0], 3), 0);
	for (uint32_t n = 0; n < count; n++)
		assert_int_equal(pin_any(cache[1], n), n == 3);
	hold_more(cache[0], 3, HOLD_FIRM);
	hold_put(cache[0], 3, HOLD_FIRM);
	assert_true(pin_any(cache[1], 3));
	hold_put(cache[0], 3, HOLD_FIRM);
	assert_false(pin_any(cache[1], 3));
	hold_put(cache[0], 3, HOLD_FIRM); /* one too many does no harm */
	assert_int_equal(cache[0]->holds[HOLD_ALL].bits, 0);

	/* one: a quarter */
	assert_int_equal(hold_many(cache[0], 0), quarter);
	assert_int_equal(hold_one(cache[0], 0), 0);
	hold_put(cache[0], 0, HOLD_FIRM);
	/* what others hold already may be held at any time; all together: half */
	assert_int_equal(hold_many(cache[1], 0), quarter);
	high = quarter + hold_many(cache[2], quarter);
	pid = child_start(body_hold, &high);
	assert_true(held_in(cache[0]) <= count / 2);
	assert_true(held_in(cache[0]) >= count / 2 - count / 16);
	assert_int_equal(hold_many(cache[3], quarter / 2), quarter);
	/* what the dead held is given back to who asks for it */
	for (uint32_t n = quarter / 2; n < quarter / 2 + quarter; n++)
		hold_put(cache[3], n, HOLD_FIRM);
	child_kill(pid);
	for (uint32_t n = 0; n < quarter; n++) {
		hold_put(cache[0], n, HOLD_FIRM);
		hold_put(cache[1], n, HOLD_FIRM);
	}
	cache[3]->reaped_ms = 0;
	assert_int_equal(hold_many(cache[3], count - quarter), quarter);
	for (int i = 0; i < 4; i++)
		rawcache_detach(cache[i]);
}

static int yields_one(struct rawcache *cache, uint32_t region)
{
	return hold_get(cache, region, cache->image.regions[region].generation, HOLD_YIELDS);
}

static uint32_t asked_in(const struct rawcache *cache)
{
	uint32_t asked = 0;

	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		asked += hold_asked(cache, n);
	return asked;
}

/* Holds that yield are of nearly all regions; who recycles asks for the oldest, and takes another meanwhile. */
static void test_yielding(void **state)
{
	struct rawcache *cache, *other;
	uint32_t count, held = 0, victim;

	(void)state;
	unlink(limits_image);
	image_make(limits_image, MANY_BYTES);
	cache = attach(limits_image);
	other = attach(limits_image);
	count = cache->image.sb.region_count;
	for (uint32_t n = 0; n < count; n++) {
		cache->image.regions[n].state = REGION_SEALED;
		cache->image.regions[n].log = REGION_MAIN;
		cache->image.regions[n].order = n + 1;
	}
	while (held < count / 3 && !yields_one(cache, held))
		held++;
	assert_int_equal(recycle_choose(other, &victim), 0);
	assert_int_equal(victim, held);
	assert_int_equal(asked_in(other), 0); /* there is room for all */
	while (held < count && !yields_one(cache, held))
		held++;
	assert_true(held > count / 4 * 3 && held < count);
	assert_false(hold_asked_own(cache));
	/* region 0 is somebody's for good; the next one can be asked for, and then the one behind it */
	assert_int_equal(hold_one(other, 0), 0);
	for (uint32_t n = 1; n < 4; n++) {
		assert_int_equal(recycle_choose(other, &victim), 0);
		assert_int_equal(victim, held);
		assert_true(hold_asked(cache, n));
		assert_int_equal(asked_in(cache), n);
	}
	assert_true(hold_asked_own(cache));
	assert_false(hold_asked_own(other));
	hold_put(cache, 1, HOLD_YIELDS);
	assert_int_equal(recycle_choose(other, &victim), 0);
	assert_int_equal(victim, 1);
	/* who writes to a mapping has it for good, within the limit of such holds */
	held = 2;
	while (held < count && hold_firm(cache, held, true))
		held++;
	assert_int_equal(held - 2, count / 4);
	assert_true(hold_firm(cache, held, false));
	assert_false(hold_yields(other, held));
	hold_put(cache, held, HOLD_FIRM);
	assert_false(hold_of(other, HOLD_FIRMLY, (uint32_t)cache->slot, held));
	assert_false(pin_any(other, held));
	rawcache_detach(cache);
	rawcache_detach(other);
}

/* Threads that take and give up the last hold of one region at the same time. */
static struct rawcache *racing;

static void *hold_often(void *arg)
{
	uintptr_t lost = 0;

	(void)arg;
	for (int i = 0; i < 300000; i++) {
		int err = hold_one(racing, 2);

		if (err)
			continue;
		for (int look = 0; look < 5; look++)
			lost += !hold_by(racing, (uint32_t)racing->slot, 2);
		hold_put(racing, 2, HOLD_FIRM);
	}
	return (void *)lost;
}

static void test_holds_race(void **state)
{
	pthread_t threads[3];
	uintptr_t lost = 0;
	void *one;

	(void)state;
	racing = attach(limits_image);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hold_often, NULL), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &one);
		lost += (uintptr_t)one;
	}
	assert_int_equal(lost, 0);
	assert_false(pin_any(racing, 2));
	assert_int_equal(racing->holds[HOLD_ALL].bits, 0);
	/* who interrupted one that gives it up is told so, and does not wait for ever */
	racing->holds[HOLD_ALL].counts[2] = UINT32_MAX;
	assert_int_equal(hold_one(racing, 2), -EAGAIN);
	racing->holds[HOLD_ALL].counts[2] = 0;
	assert_int_equal(hold_one(racing, 2), 0);
	hold_put(racing, 2, HOLD_FIRM);
	rawcache_detach(racing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_holds, limits_setup),
		cmocka_unit_test_setup(test_yielding, limits_setup),
		cmocka_unit_test_setup(test_holds_race, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
