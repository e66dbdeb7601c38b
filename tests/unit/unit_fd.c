/* SPDX-License-Identifier: MIT */
/* Descriptors of ours that a program closed, and whose numbers now are its own files'. */
#include "unit/unit.h"

#include <fcntl.h>

#include <rawcache/embed.h>

#include "child.h"
#include "core/shared/cache.h"

#define FILE_BYTES 900000u

static char path[512];
static struct rawcache *cache;
static uint64_t file;
static int fd;
static int strange; /* the program's file, all zeros, as large as the image */

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("fd.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	file_write(scratch_path("a"), 1, 1, FILE_BYTES);
	strange = open_or_die(scratch_path("strange"), O_RDWR | O_CREAT | O_TRUNC);
	assert_int_equal(ftruncate(strange, TEST_IMAGE_BYTES), 0);
	cache = NULL;
	return 0;
}

/* The strange file is what it was. */
static void strange_check(void)
{
	struct stat st;

	assert_int_equal(fstat(strange, &st), 0);
	assert_int_equal(st.st_size, TEST_IMAGE_BYTES);
	assert_int_equal(st.st_blocks, 0);
}

static int teardown(void **state)
{
	(void)state;
	strange_check();
	rawcache_detach(cache);
	close(fd);
	close(strange);
	return 0;
}

static void attach_here(void)
{
	cache = attach(path);
	cache->options.io = RAWCACHE_IO_SYNC; /* stored when the read returns */
	file = file_open_path(cache, scratch_path("a"), &fd);
	assert_true(file_read_right(cache, file, fd, 1, 300000, 0));
}

static int processes(void)
{
	struct rawcache_process rows[8];

	return rawcache_stats_processes(cache, rows, sizeof(*rows), 8);
}

static void body_attach(void *arg)
{
	(void)arg;
	cache = attach(path);
}

static void test_owned(void **state)
{
	int count = 0;

	(void)state;
	attach_here();
	for (int i = -1; i < 5000; i++)
		count += rawcache_owns_fd(i);
	assert_true(count >= 2); /* and what fills need */
	assert_true(rawcache_owns_fd(cache->image.fd));
	assert_true(rawcache_owns_fd(cache->runtime.fd));
	assert_false(rawcache_owns_fd(fd));
}

/* Locks on another file say nothing of processes, so nobody is dead, and nothing is stored. */
static void test_runtime(void **state)
{
	pid_t other = child_start(body_attach, NULL);
	struct rawcache_stats before;
	struct rawcache_stats after;
	int number;

	(void)state;
	attach_here();
	assert_int_equal(processes(), 2);
	number = cache->runtime.fd;
	dup2(strange, number);
	assert_int_equal(processes(), 2);
	rawcache_stats_total(cache, &before, sizeof(before));
	assert_true(file_read_right(cache, file, fd, 1, 100, 600000));
	rawcache_stats_total(cache, &after, sizeof(after));
	assert_int_equal(after.fills, before.fills);
	assert_true(rawcache_passthrough(&after, RAWCACHE_REASON_no_fd) >
		    rawcache_passthrough(&before, RAWCACHE_REASON_no_fd));
	/* it is the program's: not ours to close */
	rawcache_detach(cache);
	assert_true(fcntl(number, F_GETFD) >= 0);
	close(number);
	cache = attach(path);
	child_kill(other);
	assert_int_equal(processes(), 1);
}

/* Neither are its bytes read, nor ours written into it. */
static void test_image(void **state)
{
	int number;

	(void)state;
	attach_here();
	number = cache->image.fd;
	dup2(strange, number);
	/* known, but not seen in memory yet; and unknown */
	assert_true(file_read_right(cache, file, fd, 1, 4096, 8192));
	assert_true(file_read_right(cache, file, fd, 1, 300000, 0));
	assert_true(file_read_right(cache, file, fd, 1, 100, 600000));
	assert_int_equal(rawcache_drop_all(cache), 0);
	assert_true(file_read_right(cache, file, fd, 1, FILE_BYTES, 0));
	strange_check();
	rawcache_detach(cache);
	cache = NULL;
	assert_true(fcntl(number, F_GETFD) >= 0);
	close(number);
}

/* A checksum is not compared with a stranger's bytes: nothing is dropped for it. */
static void test_image_verify(void **state)
{
	struct rawcache_stats stats;
	int number;

	(void)state;
	attach_here();
	cache->options.verify = RAWCACHE_VERIFY_ALWAYS;
	cache->memo = 0;
	number = cache->image.fd;
	dup2(strange, number);
	assert_true(file_read_right(cache, file, fd, 1, 4096, 8192));
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(stats.verify_failed, 0);
	rawcache_detach(cache);
	close(number);
	attach_here();
	rawcache_stats_total(cache, &stats, sizeof(stats));
	assert_int_equal(stats.misses, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_owned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_runtime, setup, teardown),
		cmocka_unit_test_setup_teardown(test_image, setup, teardown),
		cmocka_unit_test_setup_teardown(test_image_verify, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
