/* SPDX-License-Identifier: MIT */
/* Holds, where there are more regions than an array of counters could have had. */
#include "unit/limits.h"

#include <pthread.h>

#include "core/shared/region_hold.h"
#include "core/shared/pin.h"

#define MANY_BYTES (400u << 20)

static int hold_one(struct rawcache *cache, uint32_t region)
{
	return hold_get(cache, region, cache->image.regions[region].generation);
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
	hold_more(cache[0], 3);
	hold_put(cache[0], 3);
	assert_true(pin_any(cache[1], 3));
	hold_put(cache[0], 3);
	assert_false(pin_any(cache[1], 3));
	hold_put(cache[0], 3); /* one too many does no harm */
	assert_int_equal(cache[0]->holds, 0);

	/* one: a quarter */
	assert_int_equal(hold_many(cache[0], 0), quarter);
	assert_int_equal(hold_one(cache[0], 0), 0);
	hold_put(cache[0], 0);
	/* what others hold already may be held at any time; all together: half */
	assert_int_equal(hold_many(cache[1], 0), quarter);
	high = quarter + hold_many(cache[2], quarter);
	pid = child_start(body_hold, &high);
	assert_true(held_in(cache[0]) <= count / 2);
	assert_true(held_in(cache[0]) >= count / 2 - count / 16);
	assert_int_equal(hold_many(cache[3], quarter / 2), quarter);
	/* what the dead held is given back to who asks for it */
	for (uint32_t n = quarter / 2; n < quarter / 2 + quarter; n++)
		hold_put(cache[3], n);
	child_kill(pid);
	for (uint32_t n = 0; n < quarter; n++) {
		hold_put(cache[0], n);
		hold_put(cache[1], n);
	}
	cache[3]->reaped_ms = 0;
	assert_int_equal(hold_many(cache[3], count - quarter), quarter);
	for (int i = 0; i < 4; i++)
		rawcache_detach(cache[i]);
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
		hold_put(racing, 2);
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
	assert_int_equal(racing->holds, 0);
	/* who interrupted one that gives it up is told so, and does not wait for ever */
	racing->hold_counts[2] = UINT32_MAX;
	assert_int_equal(hold_one(racing, 2), -EAGAIN);
	racing->hold_counts[2] = 0;
	assert_int_equal(hold_one(racing, 2), 0);
	hold_put(racing, 2);
	rawcache_detach(racing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_holds, limits_setup),
		cmocka_unit_test_setup(test_holds_race, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
