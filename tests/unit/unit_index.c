/* SPDX-License-Identifier: MIT */
/* The index: store, find, replace, make room, sweep. */
#include "unit/unit.h"

#include "core/index/entry.h"
#include "core/index/index.h"
#include "cut.h"
#include "unit/indexes.h"
#include "pattern.h"

/* An image of 0.1.0: each entry lies in its key's bucket. */
static int setup_plain(void **state)
{
	int err = setup(state);

	cache->image.sb.incompatible &= ~FORMAT_DISPLACED;
	return err;
}

static void test_store_find(void **state)
{
	struct key key = key_n(3, 1);
	struct key other = key_n(3, 2);
	struct found found;

	(void)state;
	assert_false(index_find(cache, &key, &found));
	assert_int_equal(store(&key, 2, 42), 0);
	assert_true(index_find(cache, &key, &found));
	assert_int_equal(found.page, extent.page + 2);
	assert_int_equal(found.length, 100);
	assert_int_equal(found.checksum, 42);
	assert_int_equal(found.generation, extent.generation);
	assert_int_equal(found.epoch, cache_trusted(cache));
	assert_true(llabs((long long)found.stored - (long long)time(NULL)) < 5);
	assert_false(index_find(cache, &other, &found));
	/* the same key again takes its entry's place */
	assert_int_equal(store(&key, 3, 43), 0);
	assert_true(index_find(cache, &key, &found));
	assert_int_equal(found.page, extent.page + 3);
	/* removed only if it is the one that was meant */
	found.page++;
	index_remove(cache, &key, &found);
	assert_true(index_find(cache, &key, &found));
	index_remove(cache, &key, &found);
	assert_false(index_find(cache, &key, &found));
}

/* An eighth key of a bucket takes the place of one that nobody visited. */
static void test_victim(void **state)
{
	struct found found;
	struct key key;

	(void)state;
	for (uint64_t n = 0; n < BUCKET_ENTRIES; n++) {
		key = key_n(5, n);
		assert_int_equal(store(&key, 0, n), 0);
		assert_true(index_find(cache, &key, &found));
		if (n != 4)
			index_visit(cache, found.number);
	}
	key = key_n(5, 100);
	assert_int_equal(store(&key, 0, 100), 0);
	assert_true(index_find(cache, &key, &found));
	for (uint64_t n = 0; n < BUCKET_ENTRIES; n++) {
		key = key_n(5, n);
		assert_int_equal(index_find(cache, &key, &found), n != 4);
	}
	/* all visited: still there is room for a new one */
	for (uint64_t n = 200; n < 230; n++) {
		key = key_n(5, n);
		assert_int_equal(store(&key, 0, n), 0);
		assert_true(index_find(cache, &key, &found));
		index_visit(cache, found.number);
	}
}

/* --- keys anywhere, and entries in their other bucket */

static struct key key_random(uint64_t *random)
{
	return (struct key){ pattern_random(random), pattern_random(random) };
}

static uint64_t entries_all(void)
{
	return (uint64_t)cache->image.sb.bucket_count * BUCKET_ENTRIES;
}

/* So many keys anywhere are stored: how many of them are there then. */
static uint64_t crowd(uint64_t count)
{
	struct found found;
	uint64_t there = 0;
	uint64_t random = 7;

	for (uint64_t n = 0; n < count; n++) {
		struct key key = key_random(&random);

		assert_int_equal(store(&key, (uint32_t)(n % 16), n), 0);
		assert_true(index_find(cache, &key, &found));
		assert_int_equal(found.checksum, n);
	}
	random = 7;
	for (uint64_t n = 0; n < count; n++) {
		struct key key = key_random(&random);

		if (!index_find(cache, &key, &found))
			continue;
		assert_int_equal(found.checksum, n);
		assert_int_equal(found.page, extent.page + n % 16);
		there++;
	}
	return there;
}

/* Below 90 % of the index nothing is lost. */
static void test_crowd(void **state)
{
	uint64_t count = entries_all() * 9 / 10;

	(void)state;
	assert_int_equal(crowd(count), count);
}

/* An image of 0.1.0 loses some: the test above can fail. And nothing in it lies elsewhere. */
static void test_crowd_plain(void **state)
{
	uint64_t count = entries_all() * 9 / 10;

	(void)state;
	assert_in_range(crowd(count), count / 2, count - 10);
	for (uint32_t n = 0; n < cache->image.sb.bucket_count; n++)
		assert_int_equal(cache->image.buckets[n].displaced, 0);
}

static bool key_check(void *arg, const struct key *key, const struct found *walked)
{
	struct found found;

	/* the walk knows the whole key: it finds the very entry */
	assert_true(index_find(cache, key, &found));
	assert_int_equal(found.number, walked->number);
	(*(uint64_t *)arg)++;
	return true;
}

/* Wherever an entry lies, it is walked with its key, and removed by it. */
static void test_displaced(void **state)
{
	uint64_t count = entries_all() * 9 / 10;
	uint64_t stale = 0;
	uint64_t broken = 0;
	uint64_t walked = 0;
	uint64_t random = 7;
	uint32_t displaced = 0;
	struct found found;

	(void)state;
	assert_int_equal(crowd(count), count);
	for (uint32_t n = 0; n < cache->image.sb.bucket_count; n++)
		displaced += (uint32_t)__builtin_popcount(cache->image.buckets[n].displaced);
	assert_true(displaced > 10);
	index_walk(cache, key_check, &walked, &stale, &broken);
	assert_int_equal(walked, count);
	for (uint64_t n = 0; n < count; n++) {
		struct key key = key_random(&random);

		assert_true(index_find(cache, &key, &found));
		if (n % 2) {
			assert_int_equal(
				index_move(cache, &key, &found, extent.page, extent.generation), 0);
			assert_true(index_find(cache, &key, &found));
			assert_int_equal(found.page, extent.page);
		}
		assert_int_equal(index_remove(cache, &key, &found), 0);
		assert_false(index_find(cache, &key, &found));
	}
	walked = 0;
	index_walk(cache, key_check, &walked, &stale, &broken);
	assert_int_equal(walked + stale + broken, 0);
}

/* What lies at a page is found there after its entry made room, and is as visited as it was. */
static void test_room(void **state)
{
	struct found found;
	struct found there;
	struct key key;
	struct key back;
	uint64_t visited = 0;

	(void)state;
	for (uint64_t n = 0; n < BUCKET_ENTRIES + 3; n++) {
		key = key_n(5, n);
		assert_int_equal(store(&key, (uint32_t)n, n), 0);
		assert_true(index_find(cache, &key, &found));
		if (n % 2)
			index_visit(cache, found.number);
	}
	for (uint64_t n = 0; n < BUCKET_ENTRIES + 3; n++) {
		key = key_n(5, n);
		assert_true(index_find(cache, &key, &found));
		assert_true(index_at(cache, extent.page + (uint32_t)n, &back, &there));
		assert_int_equal(there.number, found.number);
		assert_int_equal(key_bucket(&back, cache->image.sb.bucket_count), 5);
		assert_int_equal(back.low, key.low);
		visited += index_visited(cache, found.number);
	}
	assert_int_equal(visited, (BUCKET_ENTRIES + 3) / 2);
}

static void test_sweep(void **state)
{
	struct region *region =
		&cache->image.regions[extent.page >> cache->image.region_pages_shift];
	uint64_t stale;
	uint64_t broken;
	struct key key;

	(void)state;
	for (uint64_t n = 0; n < 40; n++) {
		key = key_n(20 + n % 10, n);
		assert_int_equal(store(&key, 0, n), 0);
	}
	assert_int_equal(walk(&stale, &broken), 40);
	region->generation++;
	assert_int_equal(walk(&stale, &broken), 0);
	assert_int_equal(stale, 40);
	assert_int_equal(index_sweep(cache), 0);
	assert_int_equal(walk(&stale, &broken), 0);
	assert_int_equal(stale + broken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_store_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_victim, setup_plain, teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd_plain, setup_plain, teardown),
		cmocka_unit_test_setup_teardown(test_displaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
