/* SPDX-License-Identifier: MIT */
/* Programs that were built with other versions of the public headers: with shorter and longer structs. */
#include "unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include <rawcache/image.h>
#include <rawcache/object.h>

#define GUARD 0x5aa5u

/* As a version that knows one thing more declares them. */
struct longer_options {
	struct rawcache_options options;
	uint64_t unknown;
};

struct longer_stats {
	struct rawcache_stats stats;
	uint64_t unknown[4];
};

struct longer_row {
	struct rawcache_process row;
	uint64_t unknown[2];
};

struct longer_info {
	struct rawcache_image_info info;
	uint64_t unknown;
};

struct longer_region {
	struct rawcache_region row;
	uint64_t unknown;
};

static char image[512];

static int setup(void **state)
{
	(void)state;
	snprintf(image, sizeof(image), "%s", scratch_path("api.image"));
	unlink(image);
	image_make(image, TEST_IMAGE_BYTES);
	return 0;
}

static void longer_init(struct longer_options *longer)
{
	rawcache_options_init(&longer->options, sizeof(*longer));
	longer->options.device = image;
	longer->options.runtime_dir = scratch_dir();
}

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(rawcache_version(), PACKAGE_VERSION);
}

/* An older program's struct ends before options.number: nothing behind it is read or written. */
static void test_older_options(void **state)
{
	size_t size = offsetof(struct rawcache_options, number);
	struct rawcache_options options;
	struct rawcache *cache;

	(void)state;
	memset(&options, 0xff, sizeof(options));
	rawcache_options_init(&options, size);
	assert_int_equal(options.struct_size, size);
	assert_int_equal(options.settle_ms, 2000);
	assert_true((uintptr_t)options.number == UINTPTR_MAX);
	options.device = image;
	options.runtime_dir = scratch_dir();
	assert_int_equal(rawcache_attach(&options, &cache, NULL), 0);
	assert_int_equal(rawcache_store(cache, "k", 1, "value", 5, 0), 0);
	rawcache_detach(cache);
}

/* What a newer program leaves zero is no wish; what it sets and we do not know is refused. */
static void test_newer_options(void **state)
{
	struct longer_options longer;
	struct rawcache *cache;

	(void)state;
	memset(&longer, 0xff, sizeof(longer));
	longer_init(&longer);
	assert_int_equal(longer.unknown, 0);
	assert_int_equal(rawcache_attach(&longer.options, &cache, NULL), 0);
	rawcache_detach(cache);
	longer.unknown = 1;
	assert_int_equal(rawcache_attach(&longer.options, &cache, NULL), -E2BIG);
}

static void test_no_options(void **state)
{
	struct rawcache_options options = { .device = image };
	struct rawcache_format_options format = { .size = TEST_IMAGE_BYTES };
	struct rawcache *cache;
	char why[200] = "";

	(void)state;
	assert_int_equal(rawcache_attach(&options, &cache, NULL), -EINVAL);
	assert_int_equal(rawcache_image_format(scratch_path("not"), &format, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "rawcache_format_options_init()"));
}

/* Each program gets as much of the statistics as it has room for, at the same places. */
static void test_stats(void **state)
{
	size_t size = offsetof(struct rawcache_stats, misses);
	struct rawcache *cache = attach(image);
	struct rawcache_stats stats;
	struct longer_stats longer;
	char value[8];

	(void)state;
	assert_int_equal(rawcache_store(cache, "k", 1, "value", 5, 0), 0);
	assert_int_equal(rawcache_lookup(cache, "k", 1, value, sizeof(value)), 5);
	memset(&stats, 0xff, sizeof(stats));
	assert_int_equal(rawcache_stats_total(cache, &stats, size), 0);
	assert_true(stats.misses == UINT64_MAX);
	memset(&longer, 0xff, sizeof(longer));
	assert_int_equal(rawcache_stats_total(cache, &longer.stats, sizeof(longer)), 0);
	assert_int_equal(longer.stats.hits, stats.hits);
	assert_true(longer.stats.fills > 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(longer.unknown[i], 0);
	rawcache_detach(cache);
}

static void test_rows(void **state)
{
	struct rawcache *cache = attach(image);
	struct longer_row rows[2];

	(void)state;
	memset(rows, 0xff, sizeof(rows));
	assert_int_equal(rawcache_stats_processes(cache, &rows[0].row, sizeof(rows[0]), 2), 1);
	assert_int_equal(rows[0].row.pid, getpid());
	assert_int_equal(rows[0].unknown[1], 0);
	assert_true(rows[1].row.pid == UINT32_MAX);
	rawcache_detach(cache);
}

static void test_info(void **state)
{
	size_t size = offsetof(struct rawcache_image_info, used_entries);
	struct rawcache *cache = attach(image);
	struct rawcache_image_info info;
	struct longer_info longer;

	(void)state;
	memset(&info, 0xff, sizeof(info));
	assert_int_equal(rawcache_image_info(image, &info, size, NULL, 0), 0);
	assert_int_equal(info.size, TEST_IMAGE_BYTES);
	assert_true(info.used_bytes == UINT64_MAX);
	longer.unknown = GUARD;
	assert_int_equal(rawcache_info(cache, &longer.info, sizeof(longer)), 0);
	assert_int_equal(longer.info.size, TEST_IMAGE_BYTES);
	assert_int_equal(longer.unknown, 0);
	rawcache_detach(cache);
}

/* The first of 2 rows is written, and tells of what is stored and held. */
static void test_regions(void **state)
{
	struct longer_region rows[2];
	struct rawcache *cache = attach(image);
	struct rawcache_image_info info;
	struct rawcache_view view;
	uint64_t used = 0;

	(void)state;
	assert_int_equal(rawcache_info(cache, &info, sizeof(info)), 0);
	memset(rows, 0xff, sizeof(rows));
	assert_int_equal(rawcache_regions(cache, &rows[0].row, sizeof(rows[0]), 1),
			 info.region_count);
	assert_int_equal(rows[0].row.size, info.region_size);
	assert_int_equal(rows[0].unknown, 0);
	assert_true(rows[1].row.size == UINT64_MAX);
	assert_int_equal(rawcache_store(cache, "key", 3, rows, sizeof(rows), 0), 0);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "key", 3, &view), 0);
	for (int held = 1; held >= 0; held--) {
		struct rawcache_region all[64];
		int count = rawcache_regions(cache, all, sizeof(all[0]), 64);
		int seen = 0;

		assert_true(count <= 64);
		for (int i = 0; i < count; i++) {
			used += all[i].state == RAWCACHE_REGION_ACTIVE && all[i].opened ?
					all[i].used :
					0;
			seen += all[i].held;
		}
		assert_int_equal(seen, held);
		if (held)
			rawcache_view_release(cache, &view);
	}
	assert_true(used >= sizeof(rows));
	rawcache_detach(cache);
}

static bool progress_note(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *last = arg;

	assert_true(done > *last && done <= total);
	*last = done;
	return done < total / 2;
}

/* Making an image tells how far it is, and stops when it is told to; nothing is left then. */
static void test_progress(void **state)
{
	struct rawcache_format_options format;
	uint64_t done = 0;

	(void)state;
	rawcache_format_options_init(&format, sizeof(format));
	format.size = UINT64_C(4) << 30;
	format.progress = progress_note;
	format.progress_arg = &done;
	assert_int_equal(rawcache_image_format(scratch_path("stopped"), &format, NULL, 0),
			 -ECANCELED);
	assert_true(done > 0);
	assert_int_equal(access(scratch_path("stopped"), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),	      cmocka_unit_test(test_older_options),
		cmocka_unit_test(test_newer_options), cmocka_unit_test(test_no_options),
		cmocka_unit_test(test_stats),	      cmocka_unit_test(test_rows),
		cmocka_unit_test(test_info),	      cmocka_unit_test(test_progress),
		cmocka_unit_test(test_regions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
