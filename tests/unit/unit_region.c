/* SPDX-License-Identifier: MIT */
/* Regions: cutting, recycling, pins, and processes that die or stop in the middle (INV-2, INV-3, INV-8). */
#include "unit/unit.h"

#include <pthread.h>

#include <rawcache/object.h>

#include "child.h"
#include "core/index/index.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "core/space/region.h"
#include "unit/moment.h"
#include "cut.h"

static char path[512];
static struct rawcache *cache;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("region.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

static uint32_t region_of(const struct extent *extent)
{
	return extent->page >> cache->image.region_pages_shift;
}

/* Cut until every region has been recycled `rounds` times; false: nothing was to be had. */
static bool turn(unsigned int rounds)
{
	uint32_t pages = cache->image.region_pages / 2;
	struct extent extent;

	for (unsigned int i = 0; i < rounds * cache->image.sb.region_count * 2; i++) {
		if (region_alloc(cache, REGION_PROBATION, pages, &extent))
			return false;
		region_release(cache, &extent);
	}
	return true;
}

/* No two extents of the same generation overlap. */
static void test_cut(void **state)
{
	struct extent before = { 0 };
	struct extent extent;

	(void)state;
	cache = attach(path);
	for (int i = 0; i < 2000; i++) {
		uint32_t pages = (uint32_t)i * 7 % 60 + 1;

		assert_int_equal(region_alloc(cache, REGION_PROBATION, pages, &extent), 0);
		assert_int_equal(extent.pages, pages);
		assert_true((extent.page & (cache->image.region_pages - 1)) + pages <=
			    cache->image.region_pages);
		if (i && region_of(&extent) == region_of(&before) &&
		    extent.generation == before.generation)
			assert_true(extent.page >= before.page + before.pages);
		assert_int_equal(cache->image.regions[region_of(&extent)].generation,
				 extent.generation);
		before = extent;
		region_release(cache, &extent);
	}
	assert_int_equal(
		region_alloc(cache, REGION_PROBATION, cache->image.region_pages + 1, &extent),
		-EROFS);
	assert_int_equal(region_alloc(cache, REGION_PROBATION, 0, &extent), -EROFS);
}

static void test_pin_keeps(void **state)
{
	struct extent extent;

	(void)state;
	cache = attach(path);
	assert_int_equal(region_alloc(cache, REGION_PROBATION, 1, &extent), 0);
	assert_true(turn(3));
	assert_int_equal(cache->image.regions[region_of(&extent)].generation, extent.generation);
	region_release(cache, &extent);
	assert_true(turn(2));
	assert_int_not_equal(cache->image.regions[region_of(&extent)].generation,
			     extent.generation);
	assert_int_equal(pin_get(cache, region_of(&extent), extent.generation), -ESTALE);
}

static void step_nothing(void *arg)
{
	(void)arg;
}

/* Everything pinned: an error, and soon. */
static void test_all_pinned(void **state)
{
	uint32_t count;
	struct extent extent[64];
	struct extent one;
	double start;
	uint32_t n;

	(void)state;
	cache = attach(path);
	count = cache->image.sb.region_count;
	for (n = 0; n < count; n++)
		if (region_alloc(cache, REGION_PROBATION, cache->image.region_pages, &extent[n]))
			break;
	assert_true(n >= count - 1);
	start = now_s();
	assert_int_equal(region_alloc(cache, REGION_PROBATION, cache->image.region_pages, &one),
			 -EAGAIN);
	assert_true(now_s() - start < 2);
	/* and the next one does not try at all, until that is a second ago */
	assert_true(cache->vain_until_ms);
	cache->vain_until_ms += 1000000;
	moment_set(MOMENT_LOCK, 1, step_nothing, NULL);
	assert_int_equal(region_alloc(cache, REGION_MAIN, cache->image.region_pages, &one),
			 -EAGAIN);
	assert_false(moment_came(MOMENT_LOCK));
	cache->vain_until_ms = 0;
	while (n--)
		region_release(cache, &extent[n]);
	assert_true(turn(1));
}

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

/* The numbers in shared memory may be anything. */
static void test_garbage(void **state)
{
	static const uint32_t bad[] = { 0, 1, 21, 22, 1000000, UINT32_MAX };

	(void)state;
	cache = attach(path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct extent extent;

		cache->runtime.header->active_region[0] = bad[i];
		cache->runtime.header->active_region[1] = bad[(i + 1) % 6];
		cache->runtime.header->next_region[i % 2] = bad[(i + 2) % 6];
		cache->runtime.header->evict_region = bad[(i + 3) % 6];
		cache->runtime.header->evict_page = bad[(i + 4) % 6];
		cache->runtime.header->evict_owner = bad[(i + 5) % 6];
		cache->image.regions[3].cursor = UINT32_MAX - 10;
		cache->image.regions[5].state = bad[i];
		cache->image.regions[6].owner = bad[i];
		cache->runtime.header->slots_high = bad[i];
		if (!region_alloc(cache, REGION_PROBATION, 16, &extent)) {
			assert_true(region_of(&extent) < cache->image.sb.region_count);
			region_release(cache, &extent);
		}
	}
}

/* Generations wrap in an entry's 12 bits: the index is swept before they do. */
static void test_generations(void **state)
{
	(void)state;
	cache = attach(path);
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		cache->image.regions[n].generation = 3790;
	assert_true(turn(2));
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		assert_true(cache->image.regions[n].generation - cache->image.regions[n].swept <
			    3802);
	assert_true(turn(12));
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		assert_true(cache->image.regions[n].swept > 0);
}

static void body_index_locks(void *arg)
{
	(void)arg;
	cache = attach(path);
	for (uint32_t i = 0; i < RUNTIME_INDEX_LOCKS; i++)
		if (runtime_lock(&cache->runtime.header->index_lock[i]))
			_exit(1);
}

/* An entry in bucket 0 of what was in the page before the region's generation became this. */
static void entry_make_stale(uint32_t page)
{
	struct entry *entry = &cache->image.buckets[0].entry[0];

	entry->page = page;
	entry->place = UINT64_C(1) << ENTRY_EPOCH_SHIFT |
		       (uint64_t)(image_region(&cache->image, page)->generation - 1u)
			       << ENTRY_GENERATION_SHIFT;
}

/* While the index cannot be swept, tries to recycle do not use generations up. */
static void test_generations_unswept(void **state)
{
	struct extent extent;
	uint32_t before[64];
	uint32_t count;
	pid_t child;

	(void)state;
	cache = attach(path);
	count = cache->image.sb.region_count;
	assert_true(count <= 64);
	assert_true(turn(1));
	for (uint32_t n = 0; n < count; n++)
		cache->image.regions[n].generation += 3799;
	entry_make_stale(5 << cache->image.region_pages_shift);
	rawcache_detach(cache);
	cache = NULL;
	child = child_start(body_index_locks, NULL);
	cache = attach(path);
	for (uint32_t n = 0; n < count; n++)
		before[n] = cache->image.regions[n].generation;
	for (int i = 0; i < 6; i++)
		if (!region_alloc(cache, REGION_PROBATION, cache->image.region_pages, &extent))
			region_release(cache, &extent);
	for (uint32_t n = 0; n < count; n++) {
		assert_true(cache->image.regions[n].generation - before[n] <= 1);
		assert_int_equal(cache->image.regions[n].swept, 0);
	}
	child_kill(child);
	assert_true(turn(1) || turn(1));
	for (uint32_t n = 0; n < count; n++)
		assert_true(cache->image.regions[n].swept > 0);
}

/* Another process recycles while this one sweeps: its fresh generation was not swept. */
static void step_bump(void *arg)
{
	(void)arg;
	cache->image.regions[5].generation++;
}

static void test_generations_bumped(void **state)
{
	uint32_t generation;

	(void)state;
	cache = attach(path);
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		cache->image.regions[n].generation = 3800;
	entry_make_stale(5 << cache->image.region_pages_shift);
	generation = cache->image.regions[5].generation;
	/* locks for the active region, to choose a victim, to take it, and for the stale entry */
	moment_set(MOMENT_LOCK, 4, step_bump, NULL);
	assert_true(turn(1));
	assert_true(moment_came(MOMENT_LOCK));
	assert_int_equal(cache->image.buckets[0].entry[0].place, 0);
	assert_true(cache->image.regions[5].generation > generation);
	assert_true(cache->image.regions[5].swept <= generation);
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

/* The image's users have another segment: we see no pins of theirs, and store nothing. */
static void test_other_segment(void **state)
{
	(void)state;
	cache = attach(path);
	assert_true(turn(1));
	cache->image.state->runtime_id[3] ^= 1;
	assert_false(turn(1));
	assert_true(cache->broken);
	cache->image.state->runtime_id[3] ^= 1;
	assert_int_equal(cache->runtime.header->active_region[0], 0);
}

static void test_drop_all(void **state)
{
	struct extent extent;

	(void)state;
	cache = attach(path);
	assert_int_equal(region_alloc(cache, REGION_PROBATION, 4, &extent), 0);
	assert_int_equal(rawcache_drop_all(cache), 0);
	assert_int_not_equal(cache->image.regions[region_of(&extent)].generation,
			     extent.generation);
	/* it is still being written: not used again before that is over */
	assert_true(turn(2));
	assert_int_equal(cache->image.regions[region_of(&extent)].state, REGION_RECYCLING);
	region_release(cache, &extent);
	assert_true(turn(2));
}

/*
 * After a power loss the disk may have an extent and its entry, and the region's state of before it
 * was opened. The extent is right, and found; then the region is used for others.
 */
static void test_free_of_another_boot(void **state)
{
	static const char value[] = "stored before the power went";
	struct rawcache_view view;
	struct found found;
	struct key key;

	(void)state;
	cache = attach(path);
	key = key_of_bytes(&cache->image.sb, "k", 1);
	assert_int_equal(rawcache_store(cache, "k", 1, value, sizeof(value), 0), 0);
	rawcache_detach(cache);
	setenv("RAWCACHE_TEST_BOOT_ID", "00000001-0000-0000-0000-000000000000", 1);
	cache = attach(path);
	assert_true(index_find(cache, &key, &found));
	image_region(&cache->image, found.page)->state = REGION_FREE;
	assert_int_equal(rawcache_lookup_zero_copy(cache, "k", 1, &view), 0);
	assert_string_equal(view.data, value);
	rawcache_view_release(cache, &view);
	for (int i = 0; i < 6; i++) { /* the free ones come first */
		struct extent extent;

		assert_int_equal(
			region_alloc(cache, REGION_PROBATION, cache->image.region_pages, &extent),
			0);
		region_release(cache, &extent);
	}
	if (!rawcache_lookup_zero_copy(cache, "k", 1, &view)) {
		assert_string_equal(view.data, value);
		rawcache_view_release(cache, &view);
	}
	unsetenv("RAWCACHE_TEST_BOOT_ID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pin_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_pinned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_recycler, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations_unswept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations_bumped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_recycler_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_of_another_boot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
