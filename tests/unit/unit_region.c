/* SPDX-License-Identifier: MIT */
/* Regions: cutting, recycling, pins, generations (INV-2, INV-3, INV-8). */
#include "unit/unit.h"

#include <rawcache/object.h>

#include "child.h"
#include "core/index/index.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "core/space/region.h"
#include "cut.h"
#include "unit/regions.h"
#include "unit/moment.h"

static uint32_t region_of(const struct extent *extent)
{
	return extent->page >> cache->image.region_pages_shift;
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
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations_unswept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations_bumped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_of_another_boot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
