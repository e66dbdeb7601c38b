/* SPDX-License-Identifier: MIT */
/*
 * A process is killed at each named point (base/crash_tbl.h) while another uses the image; then
 * the other, and a newcomer, must read every byte right, nobody must wait for the dead, and
 * nothing of it may be left: no pin, no flight, no lock, no slot. The image is the same all the
 * time, so that what one point breaks meets the next one.
 *
 * Points that helper threads pass, too, are killed at there once more.
 *
 *	--passes N	kill at the 1st, 2nd, ... N-th pass	(1)
 *	--point NAME	only this one
 *	--patient	how long somebody waits does not matter: the machine has other things to do
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "child.h"
#include "core/fill/fetch.h"
#include "core/shared/process.h"
#include "crash_points.h"
#include "pattern.h"
#include "remains.h"
#include "support.h"

#define FILES 6u
#define BIG FILES /* the number of one that is fetched by parts */
#define BIG_BYTES (5u << 20)
#define PART_BYTES (16u << 10)
#define BLOCKED_S 0.1
#define SLOW 2

char image[512];
static bool patient;
static double longest; /* wait of a read since the last kill, in seconds */
struct account *bytes;

/* Where helper threads are killed, too. */
static const uint8_t in_helper[CRASH_COUNT] = {
	[CRASH_flight_freed] = 1,    [CRASH_pin_claimed] = 1,	[CRASH_pin_stored] = 1,
	[CRASH_region_locked] = 1,   [CRASH_region_cut] = 1,	[CRASH_region_sealed] = 1,
	[CRASH_region_active] = 1,   [CRASH_region_bumped] = 1, [CRASH_region_taken] = 1,
	[CRASH_region_detached] = 1, [CRASH_region_free] = 1,	[CRASH_extent_written] = 1,
	[CRASH_bucket_odd] = 1,	     [CRASH_entry_cleared] = 1, [CRASH_entry_tagged] = 1,
	[CRASH_entry_placed] = 1,    [CRASH_bucket_even] = 1,	[CRASH_extent_published] = 1,
	[CRASH_fetch_stored] = 1,
};

/* What a process passes once in its life. */
static const uint8_t once[CRASH_COUNT] = {
	[CRASH_ring_made] = 1,
	[CRASH_map_forked] = 1,
	[CRASH_distrusted] = 1,
	[CRASH_helper_alone] = 1,
};

const char *file_path(uint32_t number)
{
	return scratch_path("data.%u", number);
}

static uint64_t file_size(uint32_t number)
{
	return number == BIG ? BIG_BYTES : FILE_BYTES;
}

bool read_wrong(struct rawcache *cache, uint64_t file, int fd, uint32_t number, size_t n,
		uint64_t at)
{
	char buf[READ_BYTES];
	double start = now_s() - (double)thread_scheduled() / 1e9;
	size_t want = file_size(number) - at < n ? file_size(number) - at : n;
	double end;
	ssize_t got;

	fetch_add(&bytes->asked, want);
	got = rawcache_file_read(cache, file, fd, buf, n, at);
	fetch_add(&bytes->got, got > 0 ? (uint64_t)got : 0);
	end = now_s() - (double)thread_scheduled() / 1e9;
	if (end - start > longest)
		longest = end - start;
	return got != (ssize_t)want || pattern_check(buf, want, number, 1, 1, at) != want;
}

unsigned int read_some(struct rawcache *cache, unsigned int from)
{
	unsigned int wrong = 0;

	for (uint32_t number = 0; number < FILES; number++) {
		int fd = open_or_die(file_path(number), O_RDONLY);
		uint64_t file = 0;

		if (file_open_fd(cache, fd, &file))
			wrong++;
		for (uint64_t at = from * READ_BYTES; file && at < FILE_BYTES; at += 3 * READ_BYTES)
			wrong += read_wrong(cache, file, fd, number, READ_BYTES, at);
		if (file)
			rawcache_file_put(cache, file);
		close(fd);
	}
	return wrong;
}

unsigned int read_parts(struct rawcache *cache)
{
	unsigned int wrong = 0;
	int fd;
	uint64_t file = file_open_path(cache, file_path(BIG), &fd);

	for (uint64_t at = BIG_BYTES; at >= PART_BYTES; at -= PART_BYTES)
		wrong += read_wrong(cache, file, fd, BIG, 64, at - PART_BYTES / 2);
	rawcache_file_put(cache, file);
	close(fd);
	return wrong;
}

void *read_thread(void *arg)
{
	read_some(arg, 1);
	return NULL;
}

/* --- what must be left of it */

/* Whether all that was got was counted, and nothing twice. */
static bool totals_continue(struct rawcache *cache, enum crash_point point)
{
	struct rawcache_stats total;
	uint64_t counted;

	rawcache_stats_total(cache, &total, sizeof(total));
	counted = total.hit_bytes + total.miss_bytes;
	/* of what is just being moved, one counter is lost: the others are not looked at */
	if (point == CRASH_stat_taken)
		bytes->got = min_u64(bytes->got, counted);
	if (counted >= bytes->got && counted <= bytes->asked)
		return true;
	tap_note("counted %llu, got %llu, asked %llu", (unsigned long long)counted,
		 (unsigned long long)bytes->got, (unsigned long long)bytes->asked);
	return false;
}

/* Everything that must hold: 0; SLOW if only somebody waited too long; or 1. */
static int survivor_check(struct rawcache *cache, enum crash_point point)
{
	struct rawcache_verify_result result;
	unsigned int wrong;
	bool ok;

	longest = 0;
	wrong = read_some(cache, 0) + read_some(cache, 1) + read_some(cache, 2);
	fetch_drop_all(cache); /* threads of ours that store are not what is looked for */
	rawcache_verify(cache, &result, NULL, NULL);
	/* its own children end with it, but not at once */
	for (int i = 0; i < 1000 && process_reap(cache) != 1; i++)
		usleep(1000);
	ok = !wrong && totals_continue(cache, point) && process_reap(cache) == 1 &&
	     !pins_left(cache) && !holds_left(cache) && !flights_left(cache) &&
	     !locks_left(cache) && !result.bad && !result.broken && result.extents;
	if (!ok || longest >= BLOCKED_S)
		tap_note("wrong %u, longest %.1f ms, live %u, pins %u, flights %u, bad %llu, "
			 "broken %llu, extents %llu",
			 wrong, longest * 1000, process_reap(cache), pins_left(cache),
			 flights_left(cache), (unsigned long long)result.bad,
			 (unsigned long long)result.broken, (unsigned long long)result.extents);
	return !ok ? 1 : longest >= BLOCKED_S ? SLOW : 0;
}

/* In a process of its own: the parent must not have a cache when it forks the victim. */
static int survive(enum crash_point point, int go, int ready)
{
	struct rawcache *cache = attach(image);
	unsigned int wrong = read_some(cache, 0);
	int result;
	char c;

	/* the victim begins, and dies while we go on */
	if (write(ready, "x", 1) != 1)
		return 1;
	wrong += read_some(cache, 0);
	if (read(go, &c, 1) != 1 || wrong)
		return 1;
	result = survivor_check(cache, point);
	rawcache_detach(cache);
	if (result)
		return result;
	cache = attach(image);
	result = survivor_check(cache, point);
	rawcache_detach(cache);
	return result;
}

static bool status_of(pid_t pid, int *status)
{
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

/* One kill; the survivor's verdict. */
static int run_once(enum crash_point point, unsigned int pass, bool helper, bool *killed)
{
	int go[2];
	int ready[2];
	int status = 0;
	pid_t survivor;
	pid_t dying;
	char c;

	if (pipe(go) || pipe(ready))
		die("pipe: %s", strerror(errno));
	fflush(stdout);
	survivor = child_fork();
	if (!survivor)
		_exit(survive(point, go[0], ready[1]));
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		tap_note("the survivor did not begin");
	dying = child_fork();
	if (!dying)
		victim(point, pass, helper);
	*killed = status_of(dying, &status) && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	unlink(scratch_path("another.image"));
	if (write(go[1], "x", 1) != 1)
		tap_note("the survivor is gone");
	if (!status_of(survivor, &status))
		status = 1 << 8;
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A busy machine makes somebody wait, too, but not eight times for the same reason. */
static void run(enum crash_point point, unsigned int pass, bool helper)
{
	const char *where = helper ? " in a helper" : "";
	int result = SLOW;
	bool killed = false;

	for (int tries = 0; tries < 8 && result == SLOW; tries++)
		result = run_once(point, pass, helper, &killed);
	tap_ok(killed, "%s: killed at pass %u%s", crash_name(point), pass, where);
	if (patient && result == SLOW)
		result = 0;
	tap_ok(!result, "%s: nothing is left of it%s, and nobody waited", crash_name(point), where);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "passes", required_argument, NULL, 'n' },
		{ "point", required_argument, NULL, 'p' },
		{ "patient", no_argument, NULL, 'w' },
		{ 0 },
	};
	unsigned int passes = 1;
	const char *only = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			passes = (unsigned int)atoi(optarg);
		else if (c == 'p')
			only = optarg;
		else if (c == 'w')
			patient = true;
		else
			return 2;
	}
	/* memory, if there is some: how long somebody waits must not be the disk's doing */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	snprintf(image, sizeof(image), "%s", scratch_path("image"));
	image_make(image, TEST_IMAGE_BYTES);
	for (uint32_t i = 0; i < FILES; i++)
		file_write(file_path(i), i, 1, FILE_BYTES);
	file_write(file_path(BIG), BIG, 1, BIG_BYTES);
	bytes = mmap(NULL, sizeof(*bytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (bytes == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	usleep(40000);
	for (int point = 0; point < CRASH_COUNT; point++)
		for (unsigned int pass = 1; pass <= (once[point] ? 1 : passes); pass++)
			for (int helper = 0; helper <= in_helper[point]; helper++)
				if (!only || !strcmp(only, crash_name((enum crash_point)point)))
					run((enum crash_point)point, pass, helper);
	return tap_end();
}
