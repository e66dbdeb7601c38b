/* SPDX-License-Identifier: MIT */
/*
 * Power loss. A program fills and recycles a small image; meanwhile its contents are copied, as
 * the page cache holds them, several times. What a disk may be left with after a power loss is
 * put together from these copies: each sector of 512 bytes (or each page) from any of them,
 * independently, but never from before the last flush, which is the one that begins an epoch.
 * So all orders of write-back, lost writes and torn pages are covered; what the file system does
 * to its own metadata is not, for an image is preallocated and overwritten in place.
 *
 * The result is attached to with a new boot id, and read: right bytes or misses, never others.
 * Then it is filled on, and lost again: an image lives through many boots.
 *
 *	--replays N	(40)
 *	--seed N
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "core/shared/cache.h"
#include "pattern.h"
#include "support.h"

#define FILES 8u
#define FILE_BYTES ((5u << 19) + 777u) /* eight are twice the image */
#define COPIES 5
#define SECTOR 512u
#define READ_MAX (300u << 10)
#define SUPERBLOCKS 8192u

static char image[512];
static uint64_t seed = 1;
static uint32_t version[FILES];
static char *copy[COPIES]; /* [0]: right after the flush */
static char *before;	   /* that flush */
static char *lost;	   /* what is left */
static unsigned int wrong;
static unsigned int boots;
static struct rawcache_stats sum;

static void image_copy(char *to)
{
	int fd = open_or_die(image, O_RDONLY);

	if (pread(fd, to, TEST_IMAGE_BYTES, 0) != (ssize_t)TEST_IMAGE_BYTES)
		die("the image cannot be read: %s", strerror(errno));
	close(fd);
}

static void image_restore(const char *from)
{
	int fd = open_or_die(image, O_WRONLY);

	if (pwrite(fd, from, TEST_IMAGE_BYTES, 0) != (ssize_t)TEST_IMAGE_BYTES)
		die("the image cannot be written: %s", strerror(errno));
	close(fd);
}

static void file_renew(uint32_t number)
{
	const char *temporary = scratch_path("new");

	file_write(temporary, number, ++version[number], FILE_BYTES);
	if (rename(temporary, scratch_path("data.%u", number)))
		die("rename: %s", strerror(errno));
}

static void wrong_note(uint32_t number, uint64_t offset, size_t n, bool cached, const char *what)
{
	if (!wrong++)
		tap_note("boot %u: file %u version %u, %zu bytes at %llu through the %s: %s", boots,
			 number, version[number], n, (unsigned long long)offset,
			 cached ? "cache" : "origin", what);
}

static void read_range(struct rawcache *cache, uint32_t number, uint64_t offset, size_t n)
{
	static char buf[READ_MAX];
	int fd = open_or_die(scratch_path("data.%u", number), O_RDONLY);
	uint64_t file = 0;
	ssize_t got = -1;
	size_t at = 0;
	bool cached;

	cached = !file_open_fd(cache, fd, &file);
	if (cached) {
		got = rawcache_file_read(cache, file, fd, buf, n, offset);
		rawcache_file_put(cache, file);
	} else {
		got = sys_pread(fd, buf, n, offset);
	}
	close(fd);
	if (got < 0)
		wrong_note(number, offset, n, cached, strerror((int)-got));
	else
		at = pattern_check(buf, (size_t)got, number, version[number], version[number],
				   offset);
	if (got > 0 && at < (size_t)got)
		wrong_note(number, offset, n, cached,
			   pattern_explain(buf, (size_t)got, at, offset));
}

static void work(struct rawcache *cache, unsigned int reads)
{
	for (unsigned int i = 0; i < reads; i++) {
		uint64_t r = pattern_random(&seed);

		read_range(cache, (uint32_t)(r % FILES), (r >> 8) % FILE_BYTES,
			   (r >> 40) % READ_MAX + 1);
	}
}

static void work_all(struct rawcache *cache)
{
	for (uint32_t number = 0; number < FILES; number++)
		for (uint64_t at = 0; at < FILE_BYTES; at += READ_MAX)
			read_range(cache, number, at, READ_MAX);
}

/*
 * Put together what a disk may hold: units of `unit` bytes, each from any of the copies; one in
 * `one_in` is not of the last, or all are of any.
 */
static void lose(size_t unit, unsigned int one_in)
{
	for (size_t at = 0; at < TEST_IMAGE_BYTES; at += unit) {
		uint64_t r = pattern_random(&seed);
		unsigned int from = r % one_in ? COPIES - 1 : (unsigned int)(r >> 32) % COPIES;

		memcpy(lost + at, copy[from] + at, unit);
	}
}

/* The power went while the new epoch was being written: nothing else was under way. */
static void lose_epoch(void)
{
	memcpy(lost, before, TEST_IMAGE_BYTES);
	for (size_t at = 0; at < SUPERBLOCKS; at += SECTOR)
		if (pattern_random(&seed) & 1)
			memcpy(lost + at, copy[0] + at, SECTOR);
}

static struct rawcache *boot(unsigned int number)
{
	char id[40];

	snprintf(id, sizeof(id), "%08x-0000-0000-0000-000000000000", number + 1);
	setenv("RAWCACHE_TEST_BOOT_ID", id, 1);
	return attach(image);
}

static void sums(struct rawcache *cache)
{
	struct rawcache_stats now;

	rawcache_stats_total(cache, &now, sizeof(now));
	sum.verify_ok += now.verify_ok;
	sum.verify_failed += now.verify_failed;
	sum.evicted_regions += now.evicted_regions;
	sum.fills += now.fills;
}

/* A boot: read what the last loss left, go on, and lose the power. */
static void replay(unsigned int number)
{
	struct rawcache *cache;
	uint64_t r = pattern_random(&seed);

	boots = number;
	image_copy(before);
	cache = boot(number);
	image_copy(copy[0]);
	if (!(r % 4))
		work_all(cache);
	for (int i = 1; i < COPIES; i++) {
		if (!(pattern_random(&seed) % 8)) {
			file_renew((uint32_t)pattern_random(&seed) % FILES);
			usleep(25000);
		}
		work(cache, (unsigned int)(pattern_random(&seed) % 10));
		image_copy(copy[i]);
	}
	sums(cache);
	rawcache_detach(cache);
	switch (r >> 8 & 7) {
	case 0:
		lose_epoch();
		break;
	case 1:
	case 2:
		lose(FORMAT_PAGE, 1 + (r >> 16) % 100);
		break;
	case 3:
		lose(SECTOR, 1);
		break;
	default:
		lose(SECTOR, 1u << (r >> 16) % 14);
		break;
	}
	image_restore(lost);
}

static char *room(void)
{
	char *p = malloc(TEST_IMAGE_BYTES);

	if (!p)
		die("no memory");
	return p;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "replays", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	unsigned int replays = 40;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			replays = (unsigned int)atoi(optarg);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	for (int i = 0; i < COPIES; i++)
		copy[i] = room();
	before = room();
	lost = room();
	snprintf(image, sizeof(image), "%s", scratch_path("image"));
	image_make(image, TEST_IMAGE_BYTES);
	for (uint32_t i = 0; i < FILES; i++)
		file_renew(i);
	usleep(40000);
	for (unsigned int i = 0; i < replays && !wrong; i++)
		replay(i);
	tap_note("%u losses: %llu extents were right, %llu were found damaged, %llu stored, %llu "
		 "regions recycled",
		 replays, (unsigned long long)sum.verify_ok, (unsigned long long)sum.verify_failed,
		 (unsigned long long)sum.fills, (unsigned long long)sum.evicted_regions);
	tap_ok(!wrong, "every byte read after a power loss is right");
	tap_ok(sum.verify_ok && sum.verify_failed, "extents survived, and damage was noticed");
	return tap_end();
}
