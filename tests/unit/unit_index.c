/* SPDX-License-Identifier: MIT */
/* The index: store, find, replace, make room, sweep, and what a killed writer leaves. */
#include "unit/unit.h"

#include <rawcache/image.h>

#include "core/index/entry.h"
#include "core/index/index.h"
#include "core/space/region.h"
#include "pattern.h"
#include "cut.h"

static struct rawcache *cache;
static struct extent extent; /* pinned for all tests of a group */

static int setup(void **state)
{
	const char *path = scratch_path("index.image");

	(void)state;
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = attach(path);
	return region_alloc(cache, REGION_PROBATION, 16, &extent);
}

static int teardown(void **state)
{
	(void)state;
	region_release(cache, &extent);
	rawcache_detach(cache);
	return 0;
}

/* An image of 0.1.0: each entry lies in its key's bucket. */
static int setup_plain(void **state)
{
	int err = setup(state);

	cache->image.sb.incompatible &= ~FORMAT_DISPLACED;
	return err;
}

/* Key number n of those that share a bucket. */
static struct key key_n(uint64_t bucket, uint64_t n)
{
	return (struct key){ .low = n * UINT64_C(0x9e3779b97f4a7c15) + 1,
			     .high = ((bucket << 32) / cache->image.sb.bucket_count + 1) << 32 |
				     (uint32_t)(n * 77 + 5) };
}

static int store(const struct key *key, uint32_t page, uint64_t checksum)
{
	return index_store(cache, key, extent.page + page, 100, extent.generation, checksum);
}

static struct bucket *bucket_of(const struct key *key)
{
	return &cache->image.buckets[key_bucket(key, cache->image.sb.bucket_count)];
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

/* Who was killed while he made room left an entry in both buckets. */
static void double_make(const struct key *key, uint64_t checksum)
{
	uint32_t number = key_bucket(key, cache->image.sb.bucket_count);
	uint32_t other = bucket_other(&cache->image, number, key->low);
	struct bucket *from = &cache->image.buckets[number];
	struct bucket *to = &cache->image.buckets[other];

	assert_int_not_equal(number, other);
	assert_int_equal(store(key, 1, checksum), 0);
	for (int i = 0; i < BUCKET_ENTRIES; i++)
		if (from->entry[i].tag_low == key->low)
			to->entry[0] = from->entry[i];
	to->displaced |= 1;
}

static void test_double(void **state)
{
	struct key key = key_n(3, 1);
	struct found found;

	(void)state;
	/* removed is removed */
	double_make(&key, 1);
	assert_int_equal(index_remove(cache, &key, NULL), 0);
	assert_false(index_find(cache, &key, &found));
	/* what is stored anew, and removed, does not come back as what it was */
	double_make(&key, 2);
	assert_int_equal(store(&key, 5, 3), 0);
	assert_true(index_find(cache, &key, &found));
	assert_int_equal(found.checksum, 3);
	bucket_of(&key)->sequence += 2;
	memset(bucket_of(&key)->entry, 0, sizeof(bucket_of(&key)->entry));
	assert_false(index_find(cache, &key, &found));
	/* nor what is moved */
	double_make(&key, 4);
	assert_true(index_find(cache, &key, &found));
	assert_int_equal(index_move(cache, &key, &found, extent.page + 7, extent.generation), 0);
	memset(bucket_of(&key)->entry, 0, sizeof(bucket_of(&key)->entry));
	assert_false(index_find(cache, &key, &found));
}

/* A writer was killed in the middle: a miss, until the next writer sets it right. */
static void test_odd_sequence(void **state)
{
	struct key key = key_n(7, 1);
	struct key other = key_n(7, 2);
	struct found found;

	(void)state;
	assert_int_equal(store(&key, 1, 1), 0);
	bucket_of(&key)->sequence |= 1;
	assert_false(index_find(cache, &key, &found));
	assert_int_equal(store(&other, 2, 2), 0);
	assert_true(index_find(cache, &key, &found));
	assert_true(index_find(cache, &other, &found));
	assert_int_equal(bucket_of(&key)->sequence & 1, 0);
}

/* The words of an entry, written one by one: no prefix of them is a live entry of the key. */
static void test_half_written(void **state)
{
	struct key key = key_n(9, 1);
	struct entry *entry;
	struct entry whole;
	struct found found;

	(void)state;
	assert_int_equal(store(&key, 1, 1), 0);
	entry = &bucket_of(&key)->entry[0];
	whole = *entry;
	entry->place = 0;
	assert_false(index_find(cache, &key, &found));
	entry->tag_low = 0;
	entry->tag_high = 0;
	assert_false(index_find(cache, &key, &found));
	entry->tag_low = whole.tag_low;
	entry->tag_high = whole.tag_high;
	assert_false(index_find(cache, &key, &found));
	assert_int_equal(store(&key, 1, 1), 0);
	assert_true(index_find(cache, &key, &found));
}

static bool count(void *arg, const struct key *key, const struct found *found)
{
	uint64_t region = found->page >> cache->image.region_pages_shift;
	uint64_t end = found->page + (found->length + FORMAT_PAGE - 1) / FORMAT_PAGE;

	(void)key;
	/* what is called live lies inside one region */
	assert_true(region < cache->image.sb.region_count);
	assert_true(end <= (region + 1) << cache->image.region_pages_shift);
	(*(uint64_t *)arg)++;
	return true;
}

static uint64_t walk(uint64_t *stale, uint64_t *broken)
{
	uint64_t live = 0;

	*stale = *broken = 0;
	index_walk(cache, count, &live, stale, broken);
	return live;
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

/* Whatever lies in the index, nothing outside the image is believed, and all can be swept. */
static void test_garbage(void **state)
{
	uint64_t random = 5;
	uint64_t *words = (uint64_t *)cache->image.buckets;
	size_t count_words = (size_t)cache->image.sb.bucket_count * sizeof(struct bucket) / 8;
	uint64_t stale;
	uint64_t broken;
	struct found found = { 0 };
	struct key key;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < count_words; i++)
			words[i] = pattern_random(&random) >> pattern_random(&random) % 64;
		walk(&stale, &broken);
		for (uint64_t n = 0; n < 500; n++) {
			key = key_n(n, n);
			index_find(cache, &key, &found);
			/* the tags of what lies there */
			key.low = bucket_of(&key)->entry[n % 7].tag_low;
			key.high = (key.high & ~UINT64_C(0xffffffff)) |
				   bucket_of(&key)->entry[n % 7].tag_high;
			if (index_find(cache, &key, &found))
				count(&stale, &key, &found);
			index_trust(cache, &key, &found);
			store(&key, 0, n);
			index_remove(cache, &key, NULL);
		}
		assert_int_equal(index_sweep(cache), 0);
		walk(&stale, &broken);
		assert_int_equal(stale + broken, 0);
	}
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
		cmocka_unit_test_setup_teardown(test_double, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_sequence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
