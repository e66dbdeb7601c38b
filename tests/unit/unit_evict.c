/* SPDX-License-Identifier: MIT */
/* Eviction of files: what was read again outlives a scan. */
#include "unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <rawcache/tree.h>

#include "core/fill/name.h"
#include "core/index/ghost.h"
#include "core/index/index.h"
#include "unit/evict.h"

#define HOT 1u
#define HOT_BYTES (UINT64_C(1) << 20)
/* A busy machine loses a chunk here and there: what is not moved in time is dropped. */
#define FEW (HOT_BYTES / 4)
#define SCAN_FIRST 10u
#define SCAN_BYTES (UINT64_C(24) << 20) /* twice the image */

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

/* An image without page buckets is recycled in plain order: the test above can fail. */
static void test_scan_plain(void **state)
{
	(void)state;
	cache->image.page_buckets = NULL;
	assert_true(hot_lost() >= HOT_BYTES - FEW);
	assert_int_equal(stats_now().reinserted_bytes, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scan_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_visits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ghosts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ghosts_end, setup, teardown),
	};

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
