/* SPDX-License-Identifier: MIT */
/* Eviction of objects, small extents of which a test knows everything: right bytes only, counted truly. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include <rawcache/object.h>
#include <rawcache/tree.h>

#include "core/index/index.h"
#include "core/space/evict.h"
#include "cut.h"
#include "unit/evict.h"
#include "unit/moment.h"

#define OBJECT_BYTES 8000u
#define OBJECTS 30u

static char bytes[512 << 10];

static void object_store(uint32_t n)
{
	memset(bytes, (int)n + 1, OBJECT_BYTES);
	assert_int_equal(rawcache_store(cache, &n, sizeof(n), bytes, OBJECT_BYTES, 0), 0);
}

/* 1 right, 0 gone. */
static int object_look(uint32_t n)
{
	ssize_t got = rawcache_lookup(cache, &n, sizeof(n), bytes, sizeof(bytes));

	if (got == -ENOENT)
		return 0;
	assert_int_equal(got, OBJECT_BYTES);
	for (uint32_t i = 0; i < OBJECT_BYTES; i++)
		assert_int_equal((unsigned char)bytes[i], (unsigned char)(n + 1));
	return 1;
}

static unsigned int objects_left(void)
{
	unsigned int left = 0;

	for (uint32_t n = 0; n < OBJECTS; n++)
		left += (unsigned int)object_look(n);
	return left;
}

static void objects_make(void)
{
	for (uint32_t n = 0; n < OBJECTS; n++)
		object_store(n);
	assert_int_equal(objects_left(), OBJECTS); /* a visit */
}

/* Fill the image `times` times with nothing; stops where `stop` says so. */
static void fill(unsigned int times, bool (*stop)(void))
{
	for (uint32_t i = 0; i < times * cache->image.sb.region_count * 8; i++) {
		struct extent extent;

		if (stop && stop())
			return;
		assert_int_equal(region_alloc(cache, REGION_PROBATION, 16, &extent), 0);
		region_release(cache, &extent);
	}
}

static struct found object_at(uint32_t n)
{
	struct key key = key_of_bytes(&cache->image.sb, &n, sizeof(n));
	struct found found;

	assert_true(index_find(cache, &key, &found));
	return found;
}

/* What was moved lies in the main log; neighbours are neighbours there, in order. */
static void test_objects(void **state)
{
	struct found first;

	(void)state;
	objects_make();
	first = object_at(0);
	fill(2, NULL);
	assert_int_not_equal(object_at(0).page, first.page);
	first = object_at(0);
	assert_int_equal(image_region(&cache->image, first.page)->log, REGION_MAIN);
	for (uint32_t n = 1; n < OBJECTS; n++)
		assert_int_equal(object_at(n).page, first.page + 2 * n);
	assert_int_equal(objects_left(), OBJECTS);
	assert_int_equal(stats_now().reinserted_bytes, OBJECTS * (OBJECT_BYTES + 16));
}

/* Most of a region is wanted: it stays as it is, and what is not visited once more goes then. */
static void test_kept(void **state)
{
	struct found before;
	struct found after;

	(void)state;
	for (uint32_t n = 0; n < 2 * OBJECTS; n++)
		object_store(n);
	for (uint32_t n = 0; n < 2 * OBJECTS; n++)
		assert_true(n % 20 == 3 || object_look(n));
	before = object_at(3);
	fill(1, NULL);
	after = object_at(3);
	assert_int_equal(before.page, after.page);
	assert_int_equal(before.generation, after.generation);
	assert_int_equal(image_region(&cache->image, after.page)->log, REGION_MAIN);
	assert_int_equal(visited(), 0);
}

/* So often it was visited, so often it is moved: three times at most, and it is not visited any more. */
static void test_often(void **state)
{
	struct found found;
	struct key key;
	const uint32_t n = 3;

	(void)state;
	objects_make();
	key = key_of_bytes(&cache->image.sb, &n, sizeof(n));
	assert_true(index_find(cache, &key, &found));
	for (int i = 0; i < 20; i++)
		index_visit(cache, found.number);
	for (int moves = 1; moves <= VISITS_MAX; moves++) {
		assert_true(index_visited(cache, found.number));
		assert_int_equal(index_move(cache, &key, &found, found.page, found.generation), 0);
		assert_true(index_find(cache, &key, &found));
	}
	assert_false(index_visited(cache, found.number));
}

/* What is damaged is not given a new checksum. */
static void test_rot(void **state)
{
	const uint32_t n = 7;
	struct found found;
	struct key key;
	int fd = open_or_die(path, O_WRONLY);

	(void)state;
	objects_make();
	key = key_of_bytes(&cache->image.sb, &n, sizeof(n));
	assert_true(index_find(cache, &key, &found));
	assert_int_equal(
		pwrite(fd, "rot", 3, (off_t)image_offset(&cache->image, found.page) + 5000), 3);
	close(fd);
	fill(2, NULL);
	assert_false(index_find(cache, &key, &found));
	assert_int_equal(stats_now().verify_failed, 1);
	assert_int_equal(objects_left(), OBJECTS - 1);
}

/* What has outlived the time to live is not moved; what is moved does not get younger. */
static void test_expired(void **state)
{
	const uint32_t n = 3;
	struct found before;
	struct found after;
	struct key key;

	(void)state;
	objects_make();
	key = key_of_bytes(&cache->image.sb, &n, sizeof(n));
	for (uint32_t i = 0; i < cache->image.sb.region_count; i++)
		cache->image.regions[i].opened -= 100000;
	assert_true(index_find(cache, &key, &before));
	fill(2, NULL);
	assert_true(index_find(cache, &key, &after));
	assert_int_not_equal(before.page, after.page);
	assert_true(after.stored <= before.stored && after.stored + 256 >= before.stored);
	cache->options.ttl = 90000;
	assert_int_equal(objects_left(), 0);
	cache->options.ttl = 0;
	objects_make();
	cache->options.ttl = 90000;
	for (uint32_t i = 0; i < cache->image.sb.region_count; i++)
		cache->image.regions[i].opened -= 100000;
	before.stored = stats_now().reinserted_bytes;
	fill(2, NULL);
	assert_int_equal(stats_now().reinserted_bytes, before.stored);
}

/* Every page that was stored is there, or was evicted; what was moved is not counted as lost. */
static void test_counters(void **state)
{
	struct rawcache_stats stats;
	uint64_t used = 0;

	(void)state;
	objects_make();
	fill(1, NULL);
	for (uint32_t n = 0; n < OBJECTS; n++)
		object_store(n + 1000); /* never looked at */
	fill(3, NULL);
	stats = stats_now();
	for (uint32_t i = 0; i < cache->image.sb.region_count; i++)
		used += cache->image.regions[i].used;
	assert_int_equal(stats.reinserted_bytes, OBJECTS * (OBJECT_BYTES + 16));
	assert_int_equal(used, OBJECTS * 2);
	assert_int_equal(stats.evicted_bytes, OBJECTS * 2 * 4096);
	assert_true(stats.evicted_regions > cache->image.sb.region_count);
}

static bool moment_over;

static void step_drop(void *arg)
{
	(void)arg;
	assert_int_equal(rawcache_drop_all(cache), 0);
	moment_over = true;
}

static void step_remove(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; n < OBJECTS; n++)
		rawcache_remove(cache, &n, sizeof(n));
	moment_over = true;
}

static bool is_over(void)
{
	return moment_over;
}

/* Whatever the moment at which all is dropped while extents are moved: all of it stays dropped. */
static void moments(void (*step)(void *arg))
{
	unsigned int moved = 0;

	for (unsigned int n = 1; n < 120; n++) {
		uint64_t before = stats_now().reinserted_bytes;

		objects_make();
		moment_over = false;
		moment_set(MOMENT_LOCK, n, step, NULL);
		fill(2, is_over);
		assert_true(moment_came(MOMENT_LOCK));
		assert_int_equal(objects_left(), 0);
		moved += stats_now().reinserted_bytes > before;
	}
	assert_true(moved > 20);
}

static void test_drop_meanwhile(void **state)
{
	(void)state;
	moments(step_drop);
}

static void test_remove_meanwhile(void **state)
{
	(void)state;
	moments(step_remove);
}

static void step_store(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; n < OBJECTS; n++) {
		memset(bytes, 'n', 100);
		assert_int_equal(rawcache_store(cache, &n, sizeof(n), bytes, 100, 0), 0);
	}
	moment_over = true;
}

/* What is stored anew while the old one is moved is not replaced by it. */
static void test_store_meanwhile(void **state)
{
	(void)state;
	for (unsigned int n = 1; n < 120; n++) {
		objects_make();
		moment_over = false;
		moment_set(MOMENT_LOCK, n, step_store, NULL);
		fill(2, is_over);
		assert_true(moment_came(MOMENT_LOCK));
		for (uint32_t i = 0; i < OBJECTS; i++) {
			ssize_t got = rawcache_lookup(cache, &i, sizeof(i), bytes, sizeof(bytes));

			assert_true(got == 100 || got == -ENOENT);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_often, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_meanwhile, setup, teardown),
	};

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
