/* SPDX-License-Identifier: MIT */
/* What happens to an image's users: damage under a running program, death, fork. */
#include "unit/unit.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "child.h"
#include "core/shared/cache.h"
#include "core/index/index.h"
#include "core/shared/process.h"
#include "core/shared/storage.h"
#include "core/space/region.h"
#include "core/image/superblock.h"
#include "pattern.h"

/* last: its names are those of parameters in other headers */
#include "unit/life.h"

/* --- the image changes under a running program */

/* Small reads, until they are served from the mapping. */
static void warm(void)
{
	int fd = open_or_die(data, O_RDONLY);
	uint64_t file;

	assert_int_equal(file_open_fd(cache, fd, &file), 0);
	for (int round = 0; round < 4; round++)
		for (uint64_t at = 0; at < SIZE; at += 65536)
			assert_true(rawcache_file_read(cache, file, fd, buf, 4096, at) > 0);
	rawcache_file_put(cache, file);
	close(fd);
}

static void test_truncated(void **state)
{
	static const off_t lengths[] = { 4 << 20, 2 << 20, 20000, 4096, 0 };

	(void)state;
	handle_faults();
	for (int i = 0; i < 5; i++) {
		life_begin(NULL);
		cache = attach_plain();
		assert_true(read_ok());
		warm();
		assert_int_equal(truncate(image, lengths[i]), 0);
		assert_true(read_ok());
		assert_true(read_ok());
		rawcache_detach(cache);
		cache = NULL;
	}
}

/* Cut off and made long again: the mapping reads as zeros, without any fault. */
static void test_zeroed(void **state)
{
	(void)state;
	handle_faults();
	cache = attach_plain();
	assert_true(read_ok());
	warm();
	assert_int_equal(truncate(image, 0), 0);
	assert_int_equal(truncate(image, TEST_IMAGE_BYTES), 0);
	assert_true(read_ok());
	assert_true(read_ok());
}

static void test_deleted(void **state)
{
	(void)state;
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(unlink(image), 0);
	assert_true(read_ok());
	/* another takes its place: each is used by those who attached to it */
	image_make(image, TEST_IMAGE_BYTES);
	assert_true(read_ok());
	rawcache_detach(cache);
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(totals().misses, 5);
}

/* Nobody can format it while it is in use, not even with force. */
static void test_format_in_use(void **state)
{
	struct rawcache_format_options options;

	(void)state;
	cache = attach_plain();
	rawcache_format_options_init(&options, sizeof(options));
	options.size = TEST_IMAGE_BYTES;
	assert_int_equal(rawcache_image_format(image, &options, NULL, 0), -EBUSY);
	options.force = true;
	assert_int_equal(rawcache_image_format(image, &options, NULL, 0), -EBUSY);
	assert_true(read_ok());
}

/* The program closed our descriptor, and its number is another file's now. */
static void test_descriptor_stolen(void **state)
{
	const char *other = scratch_path("other");
	int fd;
	int stolen;

	(void)state;
	file_write(other, 9, 9, TEST_IMAGE_BYTES);
	cache = attach_plain();
	assert_true(read_ok());
	stolen = cache->image.fd;
	fd = open_or_die(other, O_RDWR);
	close(stolen);
	assert_int_equal(dup2(fd, stolen), stolen);
	assert_true(read_ok());
	/* a second process object, so that nothing is mapped or known yet */
	unlink(data);
	file_write(data, 1, 1, SIZE);
	usleep(40000);
	assert_true(read_ok());
	assert_true(read_ok());
	/* and nothing was written to it */
	for (off_t at = 0; at < (off_t)TEST_IMAGE_BYTES; at += SIZE) {
		ssize_t n = pread(fd, buf, SIZE, at);

		assert_int_equal(pattern_check(buf, (size_t)n, 9, 9, 9, (uint64_t)at), n);
	}
	close(fd);
}

/* --- processes */

static void body_read(void *arg)
{
	(void)arg;
	cache = attach_plain();
	if (!read_ok())
		_exit(1);
}

static void test_killed_stats(void **state)
{
	struct rawcache_stats stats;

	(void)state;
	for (int i = 0; i < 5; i++) {
		pid_t child = child_start(body_read, NULL);

		cache = attach_plain();
		stats = totals();
		assert_int_equal(stats.hit_bytes + stats.miss_bytes,
				 (uint64_t)SIZE * (unsigned)(i + 1));
		child_kill(child);
		stats = totals();
		assert_int_equal(stats.hit_bytes + stats.miss_bytes,
				 (uint64_t)SIZE * (unsigned)(i + 1));
		assert_int_equal(process_reap(cache), 1);
		rawcache_detach(cache);
		cache = NULL;
	}
}

static void test_fork_child(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	cache = attach_plain();
	assert_true(read_ok());
	pid = child_fork();
	if (!pid) {
		bool ok = read_ok();

		/* a miss, for which it needs a slot of its own */
		unlink(data);
		file_write(data, 1, 1, SIZE);
		usleep(40000);
		ok = ok && read_ok() && read_ok() && cache->slot >= 0;
		ok = ok && process_reap(cache) == 2;
		rawcache_detach(cache);
		_exit(ok ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(read_ok());
	assert_int_equal(process_reap(cache), 1);
	/* both have counted: four files by hits or misses in this, three in the child */
	assert_int_equal(totals().hit_bytes + totals().miss_bytes, (uint64_t)SIZE * 5);
}

/* A parent that dies is seen to be dead, although a child of it lives on. */
static void body_parent(void *arg)
{
	pid_t pid;

	cache = attach_plain();
	if (!read_ok())
		_exit(1);
	pid = child_fork();
	if (!pid) {
		/* not for ever: the test may fail */
		sleep(3);
		_exit(0);
	}
	*(pid_t *)arg = pid;
	usleep(50000);
}

static void test_parent_dies(void **state)
{
	int *child = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = child_start(body_parent, child);

	(void)state;
	cache = attach_plain();
	assert_int_equal(process_reap(cache), 2);
	child_kill(parent);
	/* the child may not have run yet */
	for (int i = 0; i < 200 && process_reap(cache) == 2; i++)
		usleep(5000);
	assert_int_equal(process_reap(cache), 1);
	child_kill(*child);
	munmap(child, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_truncated, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_zeroed, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_deleted, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_format_in_use, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_descriptor_stolen, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_killed_stats, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_fork_child, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_parent_dies, life_begin, life_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
