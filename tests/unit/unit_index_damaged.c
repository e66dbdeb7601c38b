/* SPDX-License-Identifier: MIT */
/* The index as a killed writer or a disk leaves it: doubles, halves, garbage. */
#include "unit/unit.h"

#include "core/index/entry.h"
#include "core/index/index.h"
#include "cut.h"
#include "unit/indexes.h"
#include "pattern.h"

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
		cmocka_unit_test_setup_teardown(test_double, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_sequence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
