/* SPDX-License-Identifier: MIT */
/* Reads whose file, buffer or image goes away under them (INV-1, INV-5). */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/origin/file.h"
#include "core/fill/fill.h"
#include "core/read/disk_stream.h"
#include "core/read/chunk.h"
#include "unit/moment.h"
#include "pattern.h"

/* last: its names are those of parameters in other headers */
#include "unit/two_files.h"

#define FILE_BYTES 600000u
#define IDLE_FILES 4096 /* that a process keeps: IDLE_MAX in file.c */

static int setup(void **state)
{
	(void)state;
	return two_files_make("read.image", TEST_IMAGE_BYTES, FILE_BYTES);
}

static void attach_here(void)
{
	two_files_attach();
	cache->options.io = RAWCACHE_IO_SYNC; /* stored when the read returns */
}

static struct rawcache_stats stats_now(void)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats;
}

/* The file is put away while a read is in it, and so many others come that its place is needed. */
static void step_put(void *arg)
{
	struct statx stx;
	uint64_t file;
	char name[32];

	(void)arg;
	rawcache_file_put(cache, file_a);
	sys_fstatx(fd_a, &stx);
	for (int i = 0; i < IDLE_FILES; i++) {
		snprintf(name, sizeof(name), "/other/%d", i);
		if (!rawcache_file_open(cache, fd_a, name, &stx, &file, NULL))
			rawcache_file_put(cache, file);
	}
	file_b = file_open_path(cache, scratch_path("b"), &fd_b);
}

static void test_put_away(void **state)
{
	(void)state;
	setenv("RAWCACHE_TEST_BOOT_ID", "11111111111111111111111111111111", 1);
	attach_here();
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	assert_true(file_read_right(cache, file_b, fd_b, 2, 100, 0));
	rawcache_detach(cache);
	close(fd_a);
	close(fd_b);
	/* after a boot the entry must be verified and changed: there we step in */
	setenv("RAWCACHE_TEST_BOOT_ID", "21111111111111111111111111111111", 1);
	cache = attach(path);
	file_a = file_open_path(cache, scratch_path("a"), &fd_a);
	moment_set(MOMENT_LOCK, 1, step_put, NULL);
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	assert_true(moment_came(MOMENT_LOCK));
	assert_true(file_read_right(cache, file_b, fd_b, 2, 100, 0));
	assert_true(file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0));
	unsetenv("RAWCACHE_TEST_BOOT_ID");
}

static void handler_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!rawcache_handle_fault(info->si_addr))
		_exit(sig); /* as the program would have died */
}

/* What the kernel answers is the measure: the bytes up to the bad page, or EFAULT. */
static void test_bad_buffer(void **state)
{
	struct sigaction action = { .sa_sigaction = handler_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;
	struct rawcache_stats before;
	struct rawcache_stats after;
	ssize_t n;
	char *buf;

	(void)state;
	sigaction(SIGSEGV, &action, &old);
	attach_here();
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	buf = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(buf + 4096, 4096);
	before = stats_now();
	n = rawcache_file_read(cache, file_a, fd_a, buf, 8192, 8192);
	assert_true(n == -EFAULT || n == 4096);
	if (n == 4096)
		assert_int_equal(pattern_check(buf, 4096, 1, 1, 1, 8192), 4096);
	assert_int_equal(rawcache_file_read(cache, file_a, fd_a, buf + 4096, 100, 8192), -EFAULT);
	for (int i = 0; i < 10; i++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	after = stats_now();
	assert_int_equal(after.io_errors, 0);
	assert_int_equal(after.misses, before.misses);
	assert_false(cache->broken);
	munmap(buf, 4096);
	sigaction(SIGSEGV, &old, NULL);
}

/* All bytes, hot, cold and unknown ones, whatever the image has lost. */
static void truncated(uint64_t bytes)
{
	attach_here();
	assert_true(file_read_right(cache, file_a, fd_a, 1, FILE_BYTES, 0));
	for (int i = 0; i < 4; i++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	assert_int_equal(truncate(path, (off_t)bytes), 0);
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	assert_true(file_read_right(cache, file_a, fd_a, 1, FILE_BYTES, 0));
	assert_true(file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0));
	assert_true(cache->broken);
	stats_now();
	rawcache_detach(cache);
	cache = NULL;
	close(fd_a);
	close(fd_b);
}

static void test_truncated_image(void **state)
{
	struct sigaction action = { .sa_sigaction = handler_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;

	sigaction(SIGBUS, &action, &old);
	truncated(0);
	assert_int_equal(unlink(path), 0);
	setup(state);
	truncated(8192);
	sigaction(SIGBUS, &old, NULL);
}

/* The image ends in the middle of an extent: the rest of the bytes is the origin's. */
static void test_truncated_extent(void **state)
{
	struct sigaction action = { .sa_sigaction = handler_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;
	const struct chunk *chunk;

	(void)state;
	sigaction(SIGBUS, &action, &old);
	attach_here();
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	chunk = file_chunk(file_at(cache, file_a), 0);
	assert_true(chunk->place & CHUNK_VALID);
	assert_int_equal(
		truncate(path, (off_t)image_offset(&cache->image, CHUNK_PAGE(chunk->place)) + 8192),
		0);
	assert_true(file_read_right(cache, file_a, fd_a, 1, 65536, 0));
	assert_true(file_read_right(cache, file_a, fd_a, 1, FILE_BYTES, 0));
	sigaction(SIGBUS, &old, NULL);
}

/* Nothing of the image stays in memory, as when memory is needed elsewhere; false: it cannot leave it. */
static bool image_reclaimed(void)
{
	const struct image *image = &cache->image;
	const struct chunk *chunk = file_chunk(file_at(cache, file_a), 0);
	char *data = (char *)image->data;
	unsigned char in_core = 1;

	assert_int_equal(fsync(image->fd), 0);
	assert_int_equal(madvise(data, image->data_bytes, MADV_DONTNEED), 0);
	assert_int_equal(posix_fadvise(image->fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	assert_int_equal(mincore(data + ((size_t)CHUNK_PAGE(chunk->place) << FORMAT_PAGE_SHIFT),
				 4096, &in_core),
			 0);
	return !(in_core & 1);
}

/*
 * A chunk that was hot and lies on the disk only: the copy that waits for it, if it is slow, is the
 * last one; the next time it is read by a system call.
 */
static void test_became_cold(void **state)
{
	const uint64_t pages = (UINT64_C(1) << 49) - 1; /* of 200,000 bytes */
	const struct chunk *chunk;
	int by_call = 0;

	(void)state;
	attach_here();
	usleep(2000); /* the counter that copies are timed by is compared with the clock */
	for (int i = 0; i < 200; i++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, 100000, 0));
	chunk = file_chunk(file_at(cache, file_a), 0);
	for (int round = 0; round < 20; round++) {
		struct rawcache_stats before = stats_now();
		bool cold = (chunk->resident & pages) != pages;
		struct rawcache_stats after;

		if (!image_reclaimed()) {
			print_message("the image cannot leave the memory here\n");
			return;
		}
		assert_true(file_read_right(cache, file_a, fd_a, 1, 200000, 0));
		after = stats_now();
		by_call += cold;
		assert_int_equal(after.pread_bytes - before.pread_bytes, cold ? 200000 : 0);
		assert_int_equal(after.mmap_bytes - before.mmap_bytes, cold ? 0 : 200000);
	}
	assert_true(by_call > 0);
}

/* A copy that takes long only because the thread has lost its processor leaves the chunk hot. */
static void test_lost_processor(void **state)
{
	const uint64_t pages = (UINT64_C(1) << 25) - 1; /* of 100,000 bytes */
	const struct chunk *chunk;
	int kept = 0;

	(void)state;
	attach_here();
	usleep(2000);
	for (int i = 0; i < 200; i++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, 100000, 0));
	chunk = file_chunk(file_at(cache, file_a), 0);
	cache->copy_costs.ticks_per_us = 1; /* each copy is slow now */
	for (int i = 0; i < 100; i++) {
		bool hot = (chunk->resident & pages) == pages;
		long faults = sys_major_faults();

		assert_true(file_read_right(cache, file_a, fd_a, 1, 100000, 0));
		/* in the first round the faults of the program's start count, too */
		if (!i || !hot || faults != sys_major_faults())
			continue;
		assert_true((chunk->resident & pages) == pages);
		kept++;
	}
	assert_true(kept > 0);
}

/* In pieces from the start to the end; what went by system calls. */
static uint64_t pass_preads(size_t piece)
{
	uint64_t before = stats_now().pread_bytes;

	for (uint64_t at = 0; at < FILE_BYTES; at += piece) {
		size_t n = FILE_BYTES - at < piece ? FILE_BYTES - at : piece;

		assert_true(file_read_right(cache, file_a, fd_a, 1, n, at));
	}
	return stats_now().pread_bytes - before;
}

/*
 * What lies on the disk only, side by side, is read by one call for each region, and later reads are
 * copies, whatever size the first ones had.
 */
static void test_stream_cold(void **state)
{
	static const size_t pieces[] = { FILE_BYTES, 100000, 4096, 1000 };

	(void)state;
	attach_here();
	assert_true(file_read_right(cache, file_a, fd_a, 1, FILE_BYTES, 0));
	for (int i = 0; i < 4; i++) {
		uint64_t calls;

		rawcache_detach(cache);
		close(fd_a);
		close(fd_b);
		attach_here();
		assert_true(chunk_find(cache, file_at(cache, file_a), 0, 0, 1));
		if (!image_reclaimed()) {
			print_message("the image cannot leave the memory here\n");
			return;
		}
		calls = stats_now().pread_reads;
		assert_true(pass_preads(pieces[i]) <= FILE_BYTES);
		calls = stats_now().pread_reads - calls;
		if (pieces[i] == FILE_BYTES)
			assert_int_equal(calls, 2);
		/* a slow copy in a thread that has waited for the disk makes a chunk cold again */
		for (int pass = 0; pass_preads(100000); pass++)
			assert_in_range(pass, 0, 100);
	}
}

/*
 * A read that took long while all was in memory says nothing of the disk: the machine was busy. One
 * that took long while what comes later is on the disk only does.
 */
static void test_slow_machine(void **state)
{
	struct want first = { .length = 4096 };
	struct want next = { .skip = 4096, .length = 4096 };
	struct file *file;

	(void)state;
	attach_here();
	for (int i = 0; i < 2; i++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, FILE_BYTES, 0));
	file = file_at(cache, file_a);
	disk_stream_note(cache, file, &first, 4096, 50000000);
	assert_false(disk_stream_is(cache, file, &next));
	if (!image_reclaimed()) {
		print_message("the image cannot leave the memory here\n");
		return;
	}
	disk_stream_note(cache, file, &first, 4096, 50000000);
	disk_stream_note(cache, file, &first, 4096, 50000000);
	assert_true(disk_stream_is(cache, file, &next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_away, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_bad_buffer, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_truncated_image, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_truncated_extent, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_became_cold, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_lost_processor, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_stream_cold, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_slow_machine, setup, two_files_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
