/* SPDX-License-Identifier: MIT */
/* Regions of processes that die or stop in the middle, and locks that are lost (INV-2, INV-8). */
#include "unit/unit.h"

#include <pthread.h>

#include "child.h"
#include "core/shared/process.h"
#include "core/space/region.h"
#include "cut.h"
#include "unit/regions.h"
#include "unit/moment.h"

static void body_pin(void *arg)
{
	struct extent *extent = arg;

	cache = attach(path);
	for (int i = 0; i < 10; i++)
		if (region_alloc(cache, REGION_PROBATION, 1, extent))
			_exit(1);
}

/* Pins of a killed process do not hold anything up; those of a stopped one do. */
static void test_killed_pins(void **state)
{
	struct extent extent;
	uint64_t generations = 0;
	pid_t child = child_start(body_pin, &extent);

	(void)state;
	cache = attach(path);
	child_stop(child);
	assert_true(turn(3));
	/* the child's first region was kept */
	assert_int_equal(process_reap(cache), 2);
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		generations += cache->image.regions[n].generation == 1;
	assert_int_equal(generations, 1);
	child_kill(child);
	assert_true(turn(3));
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		assert_true(cache->image.regions[n].generation > 1);
	assert_int_equal(process_reap(cache), 1);
	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
		for (int n = 0; n < (int)SLOT_PINS; n++)
			assert_int_equal(cache->runtime.slots[i].pin[n], 0);
}

static void body_lock(void *arg)
{
	(void)arg;
	cache = attach(path);
	if (runtime_lock(&cache->runtime.header->region_lock))
		_exit(1);
}

/* A process stopped with the lock: nothing is stored, but nobody waits for long. */
static void test_stopped_lock(void **state)
{
	pid_t child = child_start(body_lock, NULL);
	struct extent extent;
	double start;
	int err = 0;

	(void)state;
	cache = attach(path);
	start = now_s();
	for (int i = 0; i < 20 && !err; i++) {
		err = region_alloc(cache, REGION_PROBATION, cache->image.region_pages / 2, &extent);
		if (!err)
			region_release(cache, &extent);
	}
	assert_int_not_equal(err, 0);
	assert_true(now_s() - start < 2);
	/* and the next one need not wait as long again */
	start = now_s();
	for (int i = 0; i < 10; i++)
		assert_int_not_equal(region_alloc(cache, REGION_PROBATION, 8, &extent), 0);
	assert_true(now_s() - start < 0.9);
	start = now_s();
	child_kill(child);
	assert_true(turn(1) || turn(1));
	assert_true(now_s() - start < 3);
}

static void body_recycle(void *arg)
{
	struct region *region;

	(void)arg;
	cache = attach(path);
	/* as victim_take() leaves it */
	region = &cache->image.regions[4];
	region->owner = (uint32_t)cache->slot + 1;
	region->state = REGION_RECYCLING;
	region->generation++;
}

/* A recycler was killed: somebody else begins again. */
static void test_killed_recycler(void **state)
{
	pid_t child;

	(void)state;
	cache = attach(path);
	assert_true(turn(2));
	rawcache_detach(cache);
	child = child_start(body_recycle, NULL);
	cache = attach(path);
	assert_true(turn(1));
	assert_int_equal(cache->image.regions[4].state, REGION_RECYCLING);
	child_kill(child);
	assert_true(turn(1));
	assert_int_not_equal(cache->image.regions[4].state, REGION_RECYCLING);
}

static bool lock_over;

static void *thread_lock(void *arg)
{
	assert_int_equal(runtime_lock(&cache->runtime.header->region_lock), 0);
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&lock_over, __ATOMIC_ACQUIRE))
		usleep(1000);
	runtime_unlock(&cache->runtime.header->region_lock);
	return NULL;
}

static pthread_t lock_thread;

static void step_lock(void *arg)
{
	bool locked = false;

	(void)arg;
	assert_int_equal(pthread_create(&lock_thread, NULL, thread_lock, &locked), 0);
	while (!__atomic_load_n(&locked, __ATOMIC_ACQUIRE))
		usleep(1000);
}

/* Who has taken a region and cannot say that it is clean leaves it to others, though it lives. */
static void test_lock_lost(void **state)
{
	struct extent extent;

	(void)state;
	cache = attach(path);
	lock_over = false;
	/* locks for the active region, to choose a victim, to take it, and to give it back */
	moment_set(MOMENT_LOCK, 4, step_lock, NULL);
	assert_int_not_equal(region_alloc(cache, REGION_PROBATION, 1, &extent), 0);
	assert_true(moment_came(MOMENT_LOCK));
	__atomic_store_n(&lock_over, true, __ATOMIC_RELEASE);
	pthread_join(lock_thread, NULL);
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		assert_int_equal(cache->image.regions[n].owner, 0);
	assert_true(turn(2));
}

static void body_slot(void *arg)
{
	(void)arg;
	cache = attach(path);
}

/* What a killed process was recycling is not its successor's in the slot. */
static void test_killed_recycler_slot(void **state)
{
	pid_t child = child_start(body_recycle, NULL);
	pid_t successor;

	(void)state;
	child_stop(child);
	child_kill(child);
	successor = child_start(body_slot, NULL);
	cache = attach(path);
	assert_int_equal(cache->slot, 1);
	assert_true(turn(2));
	assert_int_not_equal(cache->image.regions[4].state, REGION_RECYCLING);
	child_kill(successor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_recycler, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_recycler_slot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
