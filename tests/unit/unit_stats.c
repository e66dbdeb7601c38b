/* SPDX-License-Identifier: MIT */
/* Threads and what they count, across attaching and detaching. */
#include "unit/unit.h"

#include <pthread.h>

#include <rawcache/embed.h>

#include "base/stats.h"
#include "core/shared/cache.h"

#define FILE_BYTES 100000u
#define THREADS 4

static char path[512];
static struct rawcache *cache;
static uint64_t file;
static int fd;
static pthread_barrier_t step;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("stats.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	file_write(scratch_path("a"), 1, 1, FILE_BYTES);
	cache = attach(path);
	file = file_open_path(cache, scratch_path("a"), &fd);
	pthread_barrier_init(&step, NULL, THREADS + 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	close(fd);
	pthread_barrier_destroy(&step);
	return 0;
}

static void *count_thread(void *arg)
{
	bool *right = arg;

	*right = file_read_right(cache, file, fd, 1, 100, 0);
	*right &= file_read_right(cache, file, fd, 1, 100, 0);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	rawcache_count_bypass(NULL, RAWCACHE_REASON_disabled);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	rawcache_count_bypass(NULL, RAWCACHE_REASON_disabled);
	return NULL;
}

/* The cache goes and another comes while threads have blocks in the first. */
static void test_outlive(void **state)
{
	struct rawcache_stats stats;
	pthread_t thread[THREADS];
	bool right[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count_thread, &right[i]);
	pthread_barrier_wait(&step);
	rawcache_detach(cache);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	cache = attach(path);
	pthread_barrier_wait(&step);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_true(right[i]);
	}
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(stats.hits + stats.misses, 2 * THREADS);
}

/* What threads counted is there when they have ended, and when the cache has been detached. */
static void test_total(void **state)
{
	struct rawcache_stats stats;
	pthread_t thread[THREADS];
	bool right[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count_thread, &right[i]);
	for (int i = 0; i < 4; i++)
		pthread_barrier_wait(&step);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(rawcache_passthrough(&stats, RAWCACHE_REASON_disabled), 2 * THREADS);
	rawcache_detach(cache);
	cache = attach(path);
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(rawcache_passthrough(&stats, RAWCACHE_REASON_disabled), 2 * THREADS);
	assert_int_equal(stats.hits + stats.misses, 2 * THREADS);
	assert_int_equal(cache->blocks_out, 0);
}

static bool giving, given;

static struct rawcache_stats *slow_block(void)
{
	__atomic_store_n(&giving, true, __ATOMIC_RELEASE);
	usleep(30000);
	__atomic_store_n(&given, true, __ATOMIC_RELEASE);
	return NULL;
}

static void no_release(struct rawcache_stats *block)
{
	(void)block;
}

static void *bypass_thread(void *arg)
{
	rawcache_count_bypass(NULL, RAWCACHE_REASON_disabled);
	return arg;
}

/* A cache goes while a thread, that may be another cache's, asks it for a block. */
static void test_provider_ends(void **state)
{
	static struct rawcache_stats shared;
	static struct stats_provider slow = { slow_block, no_release, &shared };
	pthread_t thread;

	(void)state;
	rawcache_detach(cache);
	cache = NULL;
	stats_set_provider(&slow);
	pthread_create(&thread, NULL, bypass_thread, NULL);
	while (!__atomic_load_n(&giving, __ATOMIC_ACQUIRE))
		usleep(100);
	stats_set_provider(NULL);
	assert_true(__atomic_load_n(&given, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	assert_int_equal(rawcache_passthrough(&shared, RAWCACHE_REASON_disabled), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_provider_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outlive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_total, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
