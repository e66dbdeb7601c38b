/* SPDX-License-Identifier: MIT */
/* What a program touches of a mapping is stored; whatever becomes of file, mapping, cache and process. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "child.h"
#include "core/image/format.h"
#include "core/image/place.h"
#include "core/origin/file.h"
#include "core/read/chunk.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_follow.h"
#include "pattern.h"

#define SIZE ((3u << 20) + 4321) /* twelve chunks and a bit */
#define WAIT_S 20

static char image[512], data[512];
static struct rawcache *cache;
static uint64_t handle;
static const char *mapped;

static void map_here(void)
{
	int fd = -1;

	cache = attach(image);
	handle = file_open_path(cache, data, &fd);
	mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	follow_mapping(cache, file_at(cache, handle), fd, mapped, SIZE, 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	snprintf(image, sizeof(image), "%s", scratch_path("follow.image"));
	snprintf(data, sizeof(data), "%s", scratch_path("data"));
	unlink(image);
	image_make(image, TEST_IMAGE_BYTES);
	file_write(data, 1, 1, SIZE);
	usleep(40000);
	map_here();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (mapped)
		munmap((void *)(uintptr_t)mapped, SIZE);
	rawcache_detach(cache);
	return 0;
}

static void touch(size_t from, size_t to)
{
	assert_int_equal(pattern_check(mapped + from, to - from, 1, 1, 1, from), to - from);
}

static uint64_t cached_now(void)
{
	return rawcache_file_cached(cache, handle, 0, SIZE);
}

static uint64_t cached_in_time(uint64_t wanted)
{
	double end = now_s() + WAIT_S;

	while (cached_now() < wanted && now_s() < end)
		usleep(20000);
	return cached_now();
}

static bool alone_in_time(void)
{
	double end = now_s() + WAIT_S;

	while (rawcache_helper_threads() && now_s() < end)
		usleep(20000);
	return !rawcache_helper_threads();
}

static void test_touched(void **state)
{
	struct rawcache_stats stats;
	uint64_t chunk = cache->chunk_bytes;

	(void)state;
	touch(5 * chunk + 100, 5 * chunk + 200);
	assert_int_equal(cached_in_time(chunk), chunk);
	assert_int_equal(rawcache_file_cached(cache, handle, 5 * chunk, chunk), chunk);
	touch(0, SIZE);
	assert_int_equal(cached_in_time(SIZE), SIZE);
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(stats.origin_bytes, SIZE);
	assert_int_equal(stats.misses, 0);
	/* all is done */
	assert_true(alone_in_time());
}

static uint32_t page_of(uint64_t chunk)
{
	return CHUNK_PAGE(chunk_find(cache, file_at(cache, handle), chunk, 0, 1));
}

/* Single chunks take no block of 2 MiB each. */
static void test_scattered(void **state)
{
	uint64_t chunk = cache->chunk_bytes;

	(void)state;
	touch(1 * chunk, 1 * chunk + 10);
	touch(9 * chunk, 9 * chunk + 10);
	assert_int_equal(cached_in_time(2 * chunk), 2 * chunk);
	assert_in_range(page_of(9), 0, page_of(1) + (FORMAT_DATA_ALIGN >> FORMAT_PAGE_SHIFT) - 1);
}

static void test_unmapped(void **state)
{
	(void)state;
	touch(0, 100);
	rawcache_maps_drop(cache, rawcache_maps_take(cache, mapped, SIZE));
	munmap((void *)(uintptr_t)mapped, SIZE);
	mapped = NULL;
	assert_true(alone_in_time());
}

#define LARGE (64u << 20)

/* A program that touches places here and there without a pause: they are stored while it goes on. */
static void test_here_and_there(void **state)
{
	const char *path = scratch_path("large");
	int fd = open_or_die(path, O_RDWR | O_CREAT | O_TRUNC);
	uint64_t step = 4 * (uint64_t)cache->chunk_bytes;
	uint64_t large, stored = 0;
	const volatile char *at;

	(void)state;
	assert_int_equal(ftruncate(fd, LARGE), 0);
	close(fd);
	usleep(40000);
	large = file_open_path(cache, path, &fd);
	at = mmap(NULL, LARGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	/* or the kernel maps more than is touched */
	assert_int_equal(madvise((void *)(uintptr_t)at, LARGE, MADV_RANDOM), 0);
	follow_mapping(cache, file_at(cache, large), fd, (const void *)at, LARGE, 0);
	close(fd);
	for (uint64_t i = 0; i < LARGE && !stored; i += step) {
		assert_int_equal(at[i], 0);
		usleep(50000);
		stored = rawcache_file_cached(cache, large, 0, LARGE);
	}
	assert_int_not_equal(stored, 0);
	follow_unmapped(cache, (uintptr_t)at, (uintptr_t)at + LARGE);
	munmap((void *)(uintptr_t)at, LARGE);
}

/* The file is another one: nothing of it is stored. */
static void test_changed(void **state)
{
	int fd = open_or_die(data, O_WRONLY);

	(void)state;
	assert_int_equal(pwrite(fd, "x", 1, SIZE - 1), 1);
	close(fd);
	touch(0, SIZE - 1);
	usleep(1500000);
	assert_int_equal(cached_now(), 0); /* of the old one */
	rawcache_helpers_dismiss();
	assert_true(alone_in_time());
}

static void test_detached(void **state)
{
	for (int i = 0; i < 20; i++) {
		touch(0, SIZE);
		usleep((useconds_t)i * 20000);
		rawcache_detach(cache);
		munmap((void *)(uintptr_t)mapped, SIZE);
		map_here();
	}
	(void)state;
	touch(0, SIZE);
	assert_int_equal(cached_in_time(SIZE), SIZE);
}

/* The thread is the parent's alone. */
static void test_forked(void **state)
{
	int status;

	(void)state;
	touch(0, SIZE / 2);
	for (int i = 0; i < 20; i++) {
		pid_t pid = child_fork();

		if (!pid) {
			touch(0, SIZE);
			follow_unmapped(cache, (uintptr_t)mapped, (uintptr_t)mapped + SIZE);
			_exit(rawcache_helper_threads() != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	touch(SIZE / 2, SIZE);
	assert_int_equal(cached_in_time(SIZE), SIZE);
}

/* More than are followed. */
static void test_many(void **state)
{
	const char *more[100];
	int fd = open_or_die(data, O_RDONLY);

	(void)state;
	for (int i = 0; i < 100; i++) {
		more[i] = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
		assert_ptr_not_equal(more[i], MAP_FAILED);
		follow_mapping(cache, file_at(cache, handle), fd, more[i], SIZE, 0);
	}
	close(fd);
	touch(0, SIZE);
	assert_int_equal(cached_in_time(SIZE), SIZE);
	for (int i = 0; i < 100; i++) {
		follow_unmapped(cache, (uintptr_t)more[i], (uintptr_t)more[i] + SIZE);
		munmap((void *)(uintptr_t)more[i], SIZE);
	}
}

#define BLOCKS 64

/* Has memory that others give back at the same time: nobody writes to it. */
static void *blocks_watch(void *stop)
{
	const char zeros[128] = "";
	uintptr_t bad = 0;

	while (!load_relaxed((uint32_t *)stop)) {
		void *block[BLOCKS];

		for (int i = 0; i < BLOCKS; i++)
			block[i] = memory_get(sizeof(zeros));
		sched_yield();
		for (int i = 0; i < BLOCKS; i++) {
			bad += memcmp(block[i], zeros, sizeof(zeros)) != 0;
			memory_put(block[i], sizeof(zeros));
		}
	}
	return (void *)bad;
}

/* The thread cannot have the file: who waits for its answer does not touch what is freed. */
static void test_refused(void **state)
{
	uint32_t stop = 0;
	pthread_t thread;
	void *bad;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, blocks_watch, &stop), 0);
	for (int i = 0; i < 2000; i++)
		follow_mapping(cache, file_at(cache, handle), -1, mapped, SIZE, 0);
	store_relaxed(&stop, 1);
	assert_int_equal(pthread_join(thread, &bad), 0);
	assert_int_equal((uintptr_t)bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scattered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_here_and_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
