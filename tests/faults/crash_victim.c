/* SPDX-License-Identifier: MIT */
/* What the victim does: everything that has a point in it, again and again. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawcache/embed.h>
#include <rawcache/object.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "child.h"
#include "core/fill/fetch.h"
#include "core/shared/process.h"
#include "crash_points.h"
#include "pattern.h"
#include "support.h"

#define ROUNDS 20
#define HELPER_IDLE_US 700000

static void map_file(struct rawcache *cache, uint64_t file, int fd, uint32_t number)
{
	void *at = mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	int fixed = number & 1 ? MAP_FIXED : 0;
	char *p;
	size_t half = 5 * READ_BYTES;
	void *taken;
	int status;

	if (at == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	fetch_add(&bytes->asked, FILE_BYTES); /* what it fetches is counted as missed */
	rawcache_file_map(cache, file, fd, &at, FILE_BYTES, PROT_READ,
			  MAP_PRIVATE | MAP_POPULATE | fixed, 0);
	p = at;
	if (!child_fork())
		_exit(pattern_check(p, FILE_BYTES, number, 1, 1, 0) != FILE_BYTES);
	wait(&status);
	/* killed at the point that only children have; and if it read wrong bytes, nobody is */
	if (WIFSIGNALED(status))
		raise(SIGKILL);
	else if (WEXITSTATUS(status))
		_exit(1);
	taken = rawcache_maps_take(cache, p, half);
	munmap(p, half);
	rawcache_maps_drop(cache, taken);
	taken = rawcache_maps_take(cache, p + half, FILE_BYTES - half);
	munmap(p + half, FILE_BYTES - half);
	rawcache_maps_drop(cache, taken);
}

static void send_file(struct rawcache *cache, uint64_t file, int fd)
{
	struct rawcache_transfer t = { .way = RAWCACHE_TRANSFER_SENDFILE };
	ssize_t n;

	t.out = open_or_die("/dev/null", O_WRONLY);
	fetch_add(&bytes->asked, 2 * FILE_BYTES); /* fetched, and then sent */
	n = rawcache_file_transfer(cache, file, fd, &t, 0, FILE_BYTES);
	fetch_add(&bytes->got, n > 0 ? (uint64_t)n : 0);
	close(t.out);
}

/* Another reads ahead, and does something else then: its flights are for the taking. */
static void read_behind(struct rawcache *cache, uint32_t number)
{
	int ready[2];
	char c;
	int fd;
	uint64_t file;

	if (pipe(ready))
		die("pipe: %s", strerror(errno));
	if (!child_fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		test_io = RAWCACHE_IO_URING;
		cache = attach(image);
		file = file_open_path(cache, file_path(number), &fd);
		rawcache_file_advise(cache, file, fd, 0, 0, POSIX_FADV_WILLNEED);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	file = file_open_path(cache, file_path(number), &fd);
	if (read(ready[0], &c, 1) == 1)
		for (uint64_t at = 0; at < FILE_BYTES; at += READ_BYTES)
			read_wrong(cache, file, fd, number, READ_BYTES, at);
	rawcache_file_put(cache, file);
	close(fd);
	close(ready[0]);
}

/* More small objects than the index has entries: to make room some are moved. */
static void victim_crowd(struct rawcache *cache)
{
	uint32_t count = cache->image.sb.bucket_count * BUCKET_ENTRIES * 5 / 4;

	for (uint32_t n = 0; n < count; n++)
		rawcache_store(cache, &n, sizeof(n), &n, sizeof(n), 0);
}

static void victim_files(enum crash_point point, struct rawcache *cache)
{
	int fd;
	uint64_t file;

	for (uint32_t number = 0; number < 2; number++) {
		file = file_open_path(cache, file_path(number), &fd);
		map_file(cache, file, fd, number);
		send_file(cache, file, fd);
		rawcache_file_put(cache, file);
		close(fd);
	}
	read_parts(cache);
	if (point == CRASH_distrusted)
		store_release(&cache->runtime.header->epoch, 0);
	if (point == CRASH_flight_taken)
		read_behind(cache, 2);
	if (point == CRASH_entry_doubled)
		victim_crowd(cache);
	if (point == CRASH_helper_over)
		usleep(HELPER_IDLE_US);
}

static void victim_round(enum crash_point point)
{
	struct rawcache *cache;
	pthread_t thread;

	/* somebody dies, and is folded by our attaching */
	if (!child_fork()) {
		cache = attach(image);
		read_some(cache, 0);
		_exit(0);
	}
	wait(NULL);
	image_make(scratch_path("another.image"), TEST_IMAGE_BYTES);
	cache = attach(scratch_path("another.image"));
	rawcache_detach(cache);
	unlink(scratch_path("another.image"));
	cache = attach(image);
	pthread_create(&thread, NULL, read_thread, cache);
	read_some(cache, point == CRASH_flight_shown ? 1 : 2);
	pthread_join(thread, NULL);
	victim_files(point, cache);
	rawcache_detach(cache);
}

void victim(enum crash_point point, unsigned int pass, bool helper)
{
	char text[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strncmp(crash_name(point), "ring_", 5))
		test_io = RAWCACHE_IO_URING;
	snprintf(text, sizeof(text), "%s:%u%s", crash_name(point), pass, helper ? "@helper" : "");
	setenv("RAWCACHE_TEST_CRASH", text, 1);
	crash_arm();
	for (int round = 0; round < ROUNDS; round++)
		victim_round(point);
	_exit(0);
}
