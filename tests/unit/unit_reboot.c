/* SPDX-License-Identifier: MIT */
/* What happens to an image: reboots, copies, older states, flipped bytes. */
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

#define MARK (77u << 10) /* a setting by which a segment is known again */

static void test_reboot(void **state)
{
	(void)state;
	setenv("RAWCACHE_TEST_BOOT_ID", "11111111-1111-1111-1111-111111111111", 1);
	cache = attach_plain();
	assert_true(read_ok());
	assert_true(totals().fills >= 5); /* its name, too */
	rawcache_detach(cache);
	/* the same boot: trusted */
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(totals().verify_ok, 0);
	assert_int_equal(totals().misses, 5);
	rawcache_detach(cache);
	/* another: verified once */
	setenv("RAWCACHE_TEST_BOOT_ID", "22222222-2222-2222-2222-222222222222", 1);
	cache = attach_plain();
	assert_int_equal(cache->image.sb.epoch, 2);
	assert_true(read_ok());
	assert_int_equal(totals().verify_ok, 5);
	assert_true(read_ok());
	assert_int_equal(totals().verify_ok, 5);
	assert_int_equal(totals().misses, 5);
}

/* The image was on another device when it was used last: its disk was away, and what it has lost? */
static void test_other_device(void **state)
{
	pid_t child;

	(void)state;
	cache = attach_plain();
	assert_true(read_ok());
	cache->runtime.header->device ^= 1;
	rawcache_detach(cache);
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(totals().verify_ok, 5);
	/* as long as somebody uses it, it is the one that he uses */
	cache->runtime.header->device ^= 1;
	child = child_fork();
	if (!child) {
		struct rawcache *other = attach(image);

		_exit(!cache_epoch(other));
	}
	assert_int_equal(child_end(child, 10), 0);
}

/* By a shell: a copy of the whole image. */
static void image_copy(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof(command), "cp -f '%s' '%s'", from, to);
	assert_int_equal(system(command), 0);
}

/* A copy of the image after it was used. */
static void used_copy(char copy[512])
{
	snprintf(copy, 512, "%s", scratch_path("life.copy"));
	cache = attach_plain();
	assert_true(read_ok());
	rawcache_detach(cache);
	image_copy(image, copy);
}

/* Both are used in one boot: what is known of the one is not believed of the other. */
static void test_copied(void **state)
{
	char copy[512];
	struct rawcache_options options;
	struct rawcache *other = NULL;

	(void)state;
	used_copy(copy);
	cache = attach_plain();
	cache->runtime.header->mmap_threshold = MARK;
	/* they have one name for their segments */
	options_for(&options, copy);
	assert_int_equal(rawcache_attach(&options, &other, NULL), -EBUSY);
	rawcache_detach(cache);
	cache = attach(copy);
	assert_int_not_equal(cache->runtime.header->mmap_threshold, MARK);
	assert_true(read_ok());
	unlink(copy);
}

/* It was put in the place of a younger one while nobody used it. */
static void test_restored(void **state)
{
	char copy[512];

	(void)state;
	used_copy(copy);
	for (int i = 0; i < 2; i++) {
		cache = attach_plain();
		assert_true(read_ok());
		assert_int_equal(totals().misses, 5);
		rawcache_detach(cache);
	}
	image_copy(copy, image);
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(totals().misses, 10);
	unlink(copy);
}

/*
 * The region table goes back to what it was when it was written last, the kernel says that it lost
 * a write, and then the regions are used for others: neither the index nor what this process
 * remembers may lead into them.
 */
static void test_reverted_table(void **state)
{
	const char *other = scratch_path("other");
	size_t n = 0;
	uint64_t file;
	void *table;
	int fd;

	(void)state;
	file_write(other, 2, 1, 3 * SIZE);
	cache = attach_plain();
	n = cache->image.sb.region_count * sizeof(struct region);
	table = malloc(n);
	assert_non_null(table);
	memcpy(table, cache->image.regions, n);
	assert_true(read_ok());
	assert_true(read_ok());
	memcpy(cache->image.regions, table, n);
	free(table);
	assert_int_equal(storage_distrust_regions(cache), 0);
	assert_int_equal(runtime_distrust(&cache->runtime, &cache->image), 0);
	file = file_open_path(cache, other, &fd);
	for (uint64_t at = 0; at + 4096 <= 3 * SIZE; at += 4096)
		assert_true(file_read_right(cache, file, fd, 2, 4096, at));
	assert_true(read_ok());
	rawcache_file_put(cache, file);
	close(fd);
	assert_true(totals().verify_failed || totals().misses > 10);
	assert_int_equal(cache_epoch(cache), cache->image.sb.epoch);
}

static void test_power_loss_flips(void **state)
{
	uint64_t failed;

	(void)state;
	setenv("RAWCACHE_TEST_BOOT_ID", "11111111-1111-1111-1111-111111111111", 1);
	cache = attach_plain();
	assert_true(read_ok());
	flip_extents(2);
	rawcache_detach(cache);
	setenv("RAWCACHE_TEST_BOOT_ID", "22222222-2222-2222-2222-222222222222", 1);
	cache = attach_plain();
	assert_true(read_ok());
	/* the spared one may be the name */
	failed = totals().verify_failed;
	assert_true(failed >= 4);
	assert_int_equal(totals().verify_ok, 5 - failed);
	assert_int_equal(totals().misses, 5 + failed);
	assert_true(read_ok());
	assert_int_equal(totals().misses, 5 + failed);
}

/*
 * The newer superblock is damaged and the older one is of the boot before: its next epoch is
 * the one of entries that are already there, and they must not be trusted.
 */
static void test_superblock_lost(void **state)
{
	int fd;

	(void)state;
	setenv("RAWCACHE_TEST_BOOT_ID", "11111111-1111-1111-1111-111111111111", 1);
	rawcache_detach(attach(image));
	setenv("RAWCACHE_TEST_BOOT_ID", "22222222-2222-2222-2222-222222222222", 1);
	cache = attach_plain();
	assert_true(read_ok());
	flip_extents(-1);
	fd = open_or_die(image, O_RDWR);
	assert_int_equal(pwrite(fd, "damage", 6, cache->image.sb.sequence & 1 ? 8 : 4096 + 8), 6);
	close(fd);
	rawcache_detach(cache);
	setenv("RAWCACHE_TEST_BOOT_ID", "33333333-3333-3333-3333-333333333333", 1);
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(totals().verify_failed, 5);
}

static void test_verify_always(void **state)
{
	struct rawcache_options options;

	(void)state;
	options_for(&options, image);
	options.verify = RAWCACHE_VERIFY_ALWAYS;
	options.io = RAWCACHE_IO_SYNC;
	assert_int_equal(rawcache_attach(&options, &cache, NULL), 0);
	assert_true(read_ok());
	for (int round = 0; round < 3; round++) {
		flip_extents(-1);
		assert_true(read_ok());
	}
	assert_int_equal(totals().verify_failed, 15);
}

/* The command's check finds what was flipped, and what it drops is fetched again. */
static void test_verify_command(void **state)
{
	struct rawcache_verify_result result;
	uint64_t extents; /* of the five chunks, and of its name */

	(void)state;
	cache = attach_plain();
	assert_true(read_ok());
	assert_int_equal(rawcache_verify(cache, &result, NULL, NULL), 0);
	extents = result.extents;
	assert_true(extents >= 5);
	assert_true(result.bytes >= SIZE);
	assert_int_equal(result.bad + result.broken, 0);
	flip_extents(3);
	assert_int_equal(rawcache_verify(cache, &result, NULL, NULL), 0);
	assert_int_equal(result.bad, extents - 1);
	assert_int_equal(rawcache_verify(cache, &result, NULL, NULL), 0);
	assert_int_equal(result.extents, 1);
	assert_int_equal(result.bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reboot, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_other_device, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_copied, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_restored, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_reverted_table, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_power_loss_flips, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_superblock_lost, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_verify_always, life_begin, life_end),
		cmocka_unit_test_setup_teardown(test_verify_command, life_begin, life_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
