/* SPDX-License-Identifier: MIT */
/*
 * What happens to an image and its users: reboots, flipped bytes, damage under a running
 * program, death, fork. Each test reads one file of four chunks and a bit through the cache.
 */
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

#define SIZE ((1u << 20) + 12345)
#define MARK (77u << 10) /* a setting by which a segment is known again */

static char image[512];
static char data[512];
static struct rawcache *cache;
static char buf[SIZE + 100];

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!rawcache_handle_fault(info->si_addr))
		signal(sig, SIG_DFL);
}

static void handle_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* Without threads: what came before it was asked for is no miss, what was read is stored. */
static struct rawcache *attach_plain(void)
{
	struct rawcache *plain = attach(image);

	plain->options.io = RAWCACHE_IO_SYNC;
	return plain;
}

static int setup(void **state)
{
	(void)state;
	snprintf(image, sizeof(image), "%s", scratch_path("life.image"));
	snprintf(data, sizeof(data), "%s", scratch_path("data"));
	unlink(image);
	image_make(image, TEST_IMAGE_BYTES);
	file_write(data, 1, 1, SIZE);
	usleep(40000);
	cache = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	unsetenv("RAWCACHE_TEST_BOOT_ID");
	return 0;
}

static bool read_ok(void)
{
	int fd = open_or_die(data, O_RDONLY);
	uint64_t file = 0;
	ssize_t n = 0;
	bool right;

	memset(buf, 0, sizeof(buf));
	if (file_open_fd(cache, fd, &file)) /* as the shim does then */
		n = pread(fd, buf, sizeof(buf), 0);
	else
		n = rawcache_file_read(cache, file, fd, buf, sizeof(buf), 0);
	if (file)
		rawcache_file_put(cache, file);
	close(fd);
	right = n == SIZE && pattern_check(buf, SIZE, 1, 1, 1, 0) == SIZE;
	if (!right)
		print_message("read %zd, wrong at %zu\n", n, pattern_check(buf, SIZE, 1, 1, 1, 0));
	return right;
}

static struct rawcache_stats totals(void)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats;
}

/* Flip a byte of each extent that is not the `spare`d one. */
static bool flip(void *arg, const struct key *key, const struct found *found)
{
	int *spare = arg;
	int fd = open_or_die(image, O_RDWR);
	uint64_t at = image_offset(&cache->image, found->page) + found->length / 2;
	char c;

	(void)key;
	if ((*spare)-- != 0) {
		assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
		c ^= 0x10;
		assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
	}
	close(fd);
	return true;
}

static void flip_extents(int spare)
{
	uint64_t stale = 0;
	uint64_t broken = 0;

	index_walk(cache, flip, &spare, &stale, &broken);
}

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
		setup(NULL);
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
		assert_int_equal(stats.hit_bytes + stats.miss_bytes, (uint64_t)SIZE * (unsigned)(i + 1));
		child_kill(child);
		stats = totals();
		assert_int_equal(stats.hit_bytes + stats.miss_bytes, (uint64_t)SIZE * (unsigned)(i + 1));
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
		cmocka_unit_test_setup_teardown(test_reboot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reverted_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_power_loss_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_superblock_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_always, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_command, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeroed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_format_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptor_stolen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_stats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fork_child, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent_dies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
