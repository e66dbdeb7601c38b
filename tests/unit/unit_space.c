/* SPDX-License-Identifier: MIT */
/* Where extents lie: chunks of one file side by side, everything else close together. */
#include "unit/unit.h"

#include <errno.h>
#include <pthread.h>

#include <rawcache/image.h>

#include "core/space/evict.h"
#include "core/space/move_space.h"
#include "core/space/region.h"
#include "core/space/space.h"

#define REGION_BYTES (8u << 20)
#define BLOCK 512u /* pages */
#define CHUNK 64u

static struct rawcache *cache;
static uint8_t *given; /* of each page: whether it was given out in its region's generation */
static uint32_t *generation;

static int setup(void **state)
{
	const char *path = scratch_path("space.image");
	struct rawcache_format_options options;

	(void)state;
	unlink(path);
	rawcache_format_options_init(&options, sizeof(options));
	options.size = 24 * REGION_BYTES;
	options.region_size = REGION_BYTES;
	if (rawcache_image_format(path, &options, NULL, 0))
		return -1;
	cache = attach(path);
	given = calloc(cache->image.total_pages, 1);
	generation = calloc(cache->image.sb.region_count, sizeof(*generation));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(given);
	free(generation);
	rawcache_detach(cache);
	return 0;
}

/* Whoever gets pages gets them alone. */
static void note(const struct extent *extent)
{
	uint32_t region = extent->page >> cache->image.region_pages_shift;
	uint32_t first = region << cache->image.region_pages_shift;

	assert_in_range(extent->page, 0, cache->image.total_pages - 1);
	assert_in_range(extent->page - first + extent->pages, 1, cache->image.region_pages);
	assert_int_equal(cache->image.regions[region].generation, extent->generation);
	if (generation[region] != extent->generation)
		memset(given + first, 0, cache->image.region_pages);
	generation[region] = extent->generation;
	for (uint32_t i = 0; i < extent->pages; i++)
		assert_int_equal(given[extent->page + i]++, 0);
}

static uint32_t get(uint32_t pages, const struct space_stream *stream)
{
	struct extent extent;

	assert_int_equal(space_get(cache, REGION_PROBATION, pages, stream, &extent), 0);
	assert_int_equal(extent.pages, pages);
	note(&extent);
	region_release(cache, &extent);
	return extent.page;
}

static uint32_t get_chunk(uint64_t tag, uint64_t chunk, uint64_t pages)
{
	struct space_stream stream = { tag, chunk, pages };
	uint64_t rest = pages - chunk * CHUNK;

	return get((uint32_t)(rest < CHUNK ? rest : CHUNK), &stream);
}

/* In whatever order they come: side by side, and on whole blocks. */
static void test_order(void **state)
{
	static const uint8_t order[] = { 2, 0, 1, 5, 3, 7, 4, 6, 9, 8, 12, 10, 11, 15, 13, 14 };
	uint64_t pages = 6 * BLOCK;
	uint32_t page[48];

	(void)state;
	for (uint64_t first = 0; first < 48; first += 16)
		for (size_t i = 0; i < sizeof(order); i++)
			page[first + order[i]] = get_chunk(1, first + order[i], pages);
	assert_int_equal(page[0] % BLOCK, 0);
	for (int i = 1; i < 48; i++)
		assert_int_equal(page[i], page[i - 1] + CHUNK);
}

/* Two files at a time: each has blocks of its own, in fewer and fewer runs. */
static void test_two(void **state)
{
	uint64_t pages = 12 * BLOCK;
	uint32_t runs[2] = { 0, 0 };
	uint32_t last[2] = { 0, 0 };

	(void)state;
	for (uint64_t chunk = 0; chunk < pages / CHUNK; chunk++) {
		for (uint64_t file = 0; file < 2; file++) {
			uint32_t page = get_chunk(10 + file, chunk, pages);

			assert_int_equal((page - chunk * CHUNK) % BLOCK, 0);
			runs[file] += page != last[file] + CHUNK;
			last[file] = page;
		}
	}
	assert_in_range(runs[0], 1, 12);
	assert_in_range(runs[1], 1, 12);
}

#define THREADS 8

struct beginner {
	pthread_t thread;
	pthread_barrier_t *barrier;
	struct space_stream stream;
	struct extent extent;
	int err;
};

static void *begin(void *arg)
{
	struct beginner *b = arg;

	pthread_barrier_wait(b->barrier);
	b->err = space_get(cache, REGION_PROBATION, CHUNK, &b->stream, &b->extent);
	if (!b->err)
		region_release(cache, &b->extent);
	return NULL;
}

/* All chunks of a file at the same time, one file after the other: a block for each file, none lost. */
static void test_at_once(void **state)
{
	pthread_barrier_t barrier;
	uint32_t before = 0;
	int breaks = -1;

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uint64_t file = 0; file < 40; file++) {
		struct beginner beginner[THREADS];

		for (uint64_t i = 0; i < THREADS; i++) {
			beginner[i].barrier = &barrier;
			beginner[i].stream = (struct space_stream){ 500 + file, i,
								    THREADS * CHUNK };
			assert_int_equal(
				pthread_create(&beginner[i].thread, NULL, begin, &beginner[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(beginner[i].thread, NULL);
			assert_int_equal(beginner[i].err, 0);
			note(&beginner[i].extent);
		}
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(beginner[i].extent.page,
					 beginner[0].extent.page + i * CHUNK);
		breaks += beginner[0].extent.page != before + BLOCK;
		before = beginner[0].extent.page;
	}
	pthread_barrier_destroy(&barrier);
	assert_in_range(breaks, 0, 2); /* a thread may be without a processor for a while */
}

/* What a file does not fill is left to others, and small ones share blocks. */
static void test_little_wasted(void **state)
{
	uint32_t blocks = 0;
	uint32_t total = 0;
	uint32_t next = 1;

	(void)state;
	for (uint64_t tag = 100; total < 40 * BLOCK; tag++) {
		uint32_t pages = 20 + (uint32_t)(tag * 37 % 150); /* of one to three chunks */

		total += pages;
		for (uint64_t chunk = 0; chunk * CHUNK < pages; chunk++)
			get_chunk(tag, chunk, pages);
		total += next;
		get(next, NULL);
		next = next % 60 + 1;
	}
	for (uint32_t block = 0; block < cache->image.total_pages; block += BLOCK)
		for (uint32_t i = 0; i < BLOCK; i++)
			if (given[block + i]) {
				blocks++;
				break;
			}
	assert_in_range(blocks, 40, 44);
}

/* A chunk that is stored once more gets other pages, and the file goes on side by side. */
static void test_again(void **state)
{
	uint64_t pages = 2 * BLOCK;
	uint32_t page[2][16];

	(void)state;
	for (int turn = 0; turn < 2; turn++)
		for (uint64_t chunk = 0; chunk < 16; chunk++)
			page[turn][chunk] = get_chunk(7, chunk, pages);
	for (int turn = 0; turn < 2; turn++)
		for (int i = 1; i < 16; i++)
			assert_int_equal(page[turn][i] % BLOCK, i % 8 * CHUNK);
}

/* Through all regions several times: what was reserved in a region that is gone is nobody's. */
static void test_recycled(void **state)
{
	uint64_t chunk[8] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 4 * cache->image.total_pages / CHUNK; i++) {
		uint32_t tag = i * 7919u % 8;

		if (i % 5 == 0)
			get(1 + i % 63, NULL);
		/* two of the files are left alone for long */
		if (tag > 1 || i % 500 == tag)
			get_chunk(tag + 1, chunk[tag]++, UINT64_C(1) << 30);
	}
}

/* Whatever stands in the segment: pages of the image, or an error, and soon. */
static void test_garbage(void **state)
{
	uint64_t x = 88172645463325252u;
	struct extent extent;

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		enum region_log log = turn % 5 ? REGION_PROBATION : REGION_MAIN;
		struct space *space = &cache->runtime.header->space[log];
		uint64_t *words = turn % 2 ? (uint64_t *)space->rest : (uint64_t *)space->run;
		size_t count = (turn % 2 ? sizeof(space->rest) : sizeof(space->run)) / 8;
		struct space_stream stream = { turn % 7 + 1, (uint64_t)turn % 90, 5000 };

		for (int i = 0; i < 40; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			words[x % count] = turn % 3 ? x >> (x % 60) : (x & 0x1ffff000001ffff);
		}
		if (space_get(cache, log, turn % 64 + 1, turn % 2 ? &stream : NULL, &extent))
			continue;
		assert_in_range(extent.page, 0, cache->image.total_pages - 1);
		assert_true((extent.page & (cache->image.region_pages - 1)) + extent.pages <=
			    cache->image.region_pages);
		region_release(cache, &extent);
	}
}

static void test_sizes(void **state)
{
	struct extent extent;

	(void)state;
	get(cache->image.region_pages, NULL);
	get(BLOCK + 1, NULL);
	get(BLOCK, NULL);
	get(1, NULL);
	assert_int_equal(space_get(cache, REGION_PROBATION, 0, NULL, &extent), -EROFS);
	assert_int_equal(
		space_get(cache, REGION_PROBATION, cache->image.region_pages + 1, NULL, &extent),
		-EROFS);
}

static uint32_t get_moved(uint32_t pages)
{
	struct extent extent;

	assert_int_equal(move_space_get(cache, pages, &extent), 0);
	assert_int_equal(extent.pages, pages);
	note(&extent);
	region_release(cache, &extent);
	return extent.page;
}

/* Chunks that are moved lie in a row; what a region has left at its end is for smaller extents. */
static void test_moved(void **state)
{
	uint32_t region_pages = cache->image.region_pages;
	uint32_t tail = region_pages % (3 * CHUNK / 2);
	uint32_t first, page;

	(void)state;
	assert_int_equal(evict_now(cache, 0), 0); /* two regions wait */
	first = get_moved(3 * CHUNK / 2);
	for (uint32_t used = 3 * CHUNK; used <= region_pages; used += 3 * CHUNK / 2)
		assert_int_equal(get_moved(3 * CHUNK / 2), first + used - 3 * CHUNK / 2);
	page = get_moved(3 * CHUNK / 2);
	assert_int_not_equal(page / region_pages, first / region_pages);
	assert_in_range(tail, CHUNK / 8, CHUNK);
	for (uint32_t used = CHUNK / 8; used <= tail; used += CHUNK / 8)
		assert_int_equal(get_moved(CHUNK / 8),
				 first + region_pages - tail + used - CHUNK / 8);
	/* then those get a block of their own, and chunks go on where they were */
	assert_int_equal(get_moved(CHUNK / 8), page + 3 * CHUNK / 2);
	assert_int_equal(get_moved(CHUNK / 8), page + 3 * CHUNK / 2 + CHUNK / 8);
	assert_int_equal(get_moved(CHUNK), page + 3 * CHUNK / 2 + BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two, setup, teardown),
		cmocka_unit_test_setup_teardown(test_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_little_wasted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recycled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
