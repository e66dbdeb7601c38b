/* SPDX-License-Identifier: MIT */
/* Eviction: what was read again outlives a scan, right bytes only, counted truly. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <rawcache/object.h>
#include <rawcache/tree.h>

#include "core/space/evict.h"
#include "core/index/ghost.h"
#include "core/index/index.h"
#include "core/fill/name.h"
#include "unit/moment.h"
#include "pattern.h"
#include "cut.h"

#define HOT 1u
#define HOT_BYTES (UINT64_C(1) << 20)
/* A busy machine loses a chunk here and there: what is not moved in time is dropped. */
#define FEW (HOT_BYTES / 4)
#define SCAN_FIRST 10u
#define SCAN_BYTES (UINT64_C(24) << 20) /* twice the image */
#define OBJECT_BYTES 8000u
#define OBJECTS 30u

static char path[512];
static struct rawcache *cache;
static char bytes[512 << 10];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("evict.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = attach(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

/* The origin: made when it is needed first. */
static const char *origin(uint32_t number, uint64_t size)
{
	const char *name = scratch_path("origin.%u", number);

	if (access(name, F_OK)) {
		file_write(name, number, 1, size);
		usleep(40000); /* until it has settled */
	}
	return name;
}

static struct rawcache_stats stats_now(void)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats;
}

/* Read a file from its begin to its end, in pieces; the bytes that came from the origin. */
static uint64_t file_pass(uint32_t number, uint64_t size, size_t piece)
{
	uint64_t before = stats_now().origin_bytes;
	int fd;
	uint64_t file = file_open_path(cache, origin(number, size), &fd);

	for (uint64_t at = 0; at < size; at += piece)
		assert_true(file_read_right(cache, file, fd, number, piece, at));
	rawcache_file_put(cache, file);
	close(fd);
	return stats_now().origin_bytes - before;
}

static void scan(uint32_t number)
{
	/* some of it may be there still, from the scan before the last */
	assert_true(file_pass(number, SCAN_BYTES, 4096) >= SCAN_BYTES - 4 * FEW);
}

/* What of the hot file the origin is asked for after a scan of twice the cache. */
static uint64_t hot_lost(void)
{
	assert_true(file_pass(HOT, HOT_BYTES, 16384) >= HOT_BYTES);
	assert_true(file_pass(HOT, HOT_BYTES, 16384) <= FEW);
	scan(SCAN_FIRST);
	return file_pass(HOT, HOT_BYTES, 16384);
}

static void test_scan(void **state)
{
	(void)state;
	assert_true(hot_lost() <= FEW);
	/* and it stays, as long as it is read once in a while */
	for (uint32_t i = 1; i < 4; i++) {
		scan(SCAN_FIRST + i % 2);
		assert_true(file_pass(HOT, HOT_BYTES, 4096) <= FEW);
	}
}

/* An image without homes is recycled in plain order: the test above can fail. */
static void test_scan_plain(void **state)
{
	(void)state;
	cache->image.homes = NULL;
	assert_true(hot_lost() >= HOT_BYTES - FEW);
	assert_int_equal(stats_now().reinserted_bytes, 0);
}

static bool visited_count(void *arg, const struct key *key, const struct found *found)
{
	(void)key;
	*(unsigned int *)arg += index_visited(cache, found->number);
	return true;
}

static unsigned int visited(void)
{
	uint64_t stale = 0;
	uint64_t broken = 0;
	unsigned int count = 0;

	index_walk(cache, visited_count, &count, &stale, &broken);
	return count;
}

/* A pass is no visit, in whatever pieces; the next one is. */
static void test_visits(void **state)
{
	static const size_t pieces[] = { 512, 4096, 65536, 256 << 10 };
	const unsigned int chunks = HOT_BYTES / (256 << 10);

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		assert_int_equal(rawcache_drop_all(cache), 0);
		assert_true(file_pass(HOT + (uint32_t)i, HOT_BYTES, pieces[i]) >= HOT_BYTES);
		assert_int_equal(visited(), 0);
		assert_true(file_pass(HOT + (uint32_t)i, HOT_BYTES, pieces[i]) <= FEW);
		assert_true(visited() >= chunks - 1);
	}
}

struct list {
	const char *path;
	bool found;
	uint64_t cached;
};

static bool list_visit(void *arg, const struct rawcache_cached_file *file)
{
	struct list *list = arg;

	if (strcmp(file->path, list->path))
		return true;
	list->found = true;
	list->cached = file->cached;
	return false;
}

/* The name stays with the file's chunks, and goes with them. */
static void test_names(void **state)
{
	char *hot = realpath(origin(HOT, HOT_BYTES), NULL);
	char *cold = realpath(origin(SCAN_FIRST + 1, SCAN_BYTES), NULL);
	struct list list = { .path = hot };

	(void)state;
	scan(SCAN_FIRST + 1);
	assert_true(hot_lost() <= FEW);
	assert_int_equal(rawcache_list(cache, list_visit, &list), 0);
	assert_true(list.found);
	assert_true(list.cached >= HOT_BYTES - FEW);
	list = (struct list){ .path = cold };
	assert_int_equal(rawcache_list(cache, list_visit, &list), 0);
	assert_false(list.found);
	free(hot);
	free(cold);
}

static bool chunk_at(uint32_t number, uint64_t chunk, struct found *found)
{
	struct stat st;
	int fd;
	uint64_t file = file_open_path(cache, scratch_path("origin.%u", number), &fd);
	struct key key = key_of_chunk(&cache->image.sb, &file_at(cache, file)->key, chunk);
	bool there;

	assert_int_equal(fstat(fd, &st), 0);
	there = index_find(cache, &key, found);
	rawcache_file_put(cache, file);
	close(fd);
	return there;
}

/* Read a new file, push it out by another one, and read it again: how much of it is in the main log. */
static unsigned int came_back(uint32_t number)
{
	const unsigned int chunks = HOT_BYTES / (256 << 10);
	uint32_t other = number + SCAN_FIRST;
	unsigned int in_main = 0;
	struct found found;

	assert_true(file_pass(number, HOT_BYTES, 65536) >= HOT_BYTES);
	assert_true(file_pass(other, TEST_IMAGE_BYTES, 65536) >= TEST_IMAGE_BYTES);
	unlink(scratch_path("origin.%u", other));
	for (uint64_t chunk = 0; chunk < chunks; chunk++)
		assert_false(chunk_at(number, chunk, &found));
	file_pass(number, HOT_BYTES, 65536);
	for (uint64_t chunk = 0; chunk < chunks; chunk++)
		in_main += chunk_at(number, chunk, &found) &&
			   image_region(&cache->image, found.page)->log == REGION_MAIN;
	return in_main;
}

/*
 * What comes back soon after it was dropped goes to the main log at once. On a busy machine it may not be
 * soon enough: chunks that arrive late begin regions anew, and there are few of them here.
 */
static void test_ghosts(void **state)
{
	unsigned int in_main = 0;

	(void)state;
	for (uint32_t i = 0; i < 20 && !in_main; i++)
		in_main = came_back(100 + 20 * i);
	assert_true(in_main);
}

/* A table of ghosts forgets: after as many regions as there are, or when it is full. */
static void test_ghosts_end(void **state)
{
	struct key key = { 0x1234567890abcdef, 0 };
	uint64_t *order = &cache->image.state->order;
	unsigned int found = 0;

	(void)state;
	assert_false(ghost_take(cache, &key));
	ghost_note(cache, &key);
	assert_true(ghost_take(cache, &key));
	assert_false(ghost_take(cache, &key));
	ghost_note(cache, &key);
	*order += cache->image.sb.region_count + 2;
	assert_false(ghost_take(cache, &key));
	for (uint64_t n = 0; n < 4ul * cache->runtime.ghost_count; n++) {
		key.low = n * UINT64_C(0x9e3779b97f4a7c15);
		ghost_note(cache, &key);
	}
	for (uint64_t n = 0; n < 4ul * cache->runtime.ghost_count; n++) {
		key.low = n * UINT64_C(0x9e3779b97f4a7c15);
		found += ghost_take(cache, &key);
	}
	assert_true(found > cache->runtime.ghost_count / 2);
	assert_true(found <= cache->runtime.ghost_count);
}

/* --- objects: small extents, of which a test knows everything */

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
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scan_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_visits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ghosts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ghosts_end, setup, teardown),
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
