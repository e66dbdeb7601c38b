/* SPDX-License-Identifier: MIT */
/*
 * A process is killed at each named point (base/crash_tbl.h) while another uses the image; then
 * the other, and a newcomer, must read every byte right, nobody must wait for the dead, and
 * nothing of it may be left: no pin, no flight, no lock, no slot. The image is the same all the
 * time, so that what one point breaks meets the next one.
 *
 *	--passes N	kill at the 1st, 2nd, ... N-th pass	(1)
 *	--point NAME	only this one
 *	--patient	how long somebody waits does not matter: the machine has other things to do
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/sys.h"
#include "child.h"
#include "core/fetch.h"
#include "core/process.h"
#include "pattern.h"
#include "support.h"

#define FILES 6u
#define FILE_BYTES ((5u << 19) + 777u) /* six of them are more than the image */
#define READ_BYTES (192u << 10)
#define BLOCKED_S 0.1
#define SLOW 2

static char image[512];
static bool patient;
static double longest; /* wait of a read since the last kill, in seconds */

static const char *file_path(uint32_t number)
{
	return scratch_path("data.%u", number);
}

/* Read a third of each file, every third piece from `from`; the number of wrong reads. */
static unsigned int read_some(struct rawcache *cache, unsigned int from)
{
	static char buf[READ_BYTES];
	unsigned int wrong = 0;

	for (uint32_t number = 0; number < FILES; number++) {
		int fd = open_or_die(file_path(number), O_RDONLY);
		uint64_t file = 0;

		if (file_open_fd(cache, fd, &file))
			wrong++;
		for (uint64_t at = from * READ_BYTES; file && at < FILE_BYTES; at += 3 * READ_BYTES) {
			double start = now_s() - (double)thread_scheduled() / 1e9;
			ssize_t n = rawcache_file_read(cache, file, fd, buf, READ_BYTES, at);
			size_t want = FILE_BYTES - at < READ_BYTES ? FILE_BYTES - at : READ_BYTES;

			double end = now_s() - (double)thread_scheduled() / 1e9;

			if (end - start > longest)
				longest = end - start;
			wrong += n != (ssize_t)want ||
				 pattern_check(buf, want, number, 1, 1, at) != want;
		}
		if (file)
			rawcache_file_put(cache, file);
		close(fd);
	}
	return wrong;
}

static void *read_thread(void *arg)
{
	read_some(arg, 1);
	return NULL;
}

/* What the victim does: everything that has a point in it, again and again. */
static void victim(enum crash_point point, unsigned int pass)
{
	char text[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(text, sizeof(text), "%s:%u", crash_name(point), pass);
	setenv("RAWCACHE_TEST_CRASH", text, 1);
	crash_arm();
	for (int round = 0; round < 2; round++) {
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
		read_some(cache, 2);
		pthread_join(thread, NULL);
		rawcache_detach(cache);
	}
	_exit(0);
}

static unsigned int pins_left(const struct rawcache *cache)
{
	unsigned int pins = 0;

	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
		for (uint32_t n = 0; n < SLOT_PINS; n++)
			pins += cache->runtime.slots[i].pin[n] != 0;
	return pins;
}

static unsigned int flights_left(const struct rawcache *cache)
{
	unsigned int flights = 0;

	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		flights += cache->runtime.flights[i].claim != 0;
	return flights;
}

static bool locks_free(struct rawcache *cache)
{
	for (unsigned int i = 0; i <= RUNTIME_INDEX_LOCKS; i++) {
		pthread_mutex_t *lock = i ? &cache->runtime.header->index_lock[i - 1] :
					    &cache->runtime.header->region_lock;

		if (runtime_lock(lock))
			return false;
		runtime_unlock(lock);
	}
	return true;
}

/* Everything that must hold: 0; SLOW if only somebody waited too long; or 1. */
static int survivor_check(struct rawcache *cache)
{
	struct rawcache_verify_result result;
	unsigned int wrong;
	bool ok;

	longest = 0;
	wrong = read_some(cache, 0) + read_some(cache, 1) + read_some(cache, 2);
	fetch_drop_all(cache); /* threads of ours that store are not what is looked for */
	rawcache_verify(cache, &result, NULL, NULL);
	ok = !wrong && process_reap(cache) == 1 && !pins_left(cache) &&
	     !flights_left(cache) && locks_free(cache) && !result.bad && !result.broken &&
	     result.extents;
	if (!ok || longest >= BLOCKED_S)
		tap_note("wrong %u, longest %.1f ms, live %u, pins %u, flights %u, bad %llu, "
			 "broken %llu, extents %llu",
			 wrong, longest * 1000, process_reap(cache), pins_left(cache),
			 flights_left(cache), (unsigned long long)result.bad,
			 (unsigned long long)result.broken, (unsigned long long)result.extents);
	return !ok ? 1 : longest >= BLOCKED_S ? SLOW : 0;
}

/* In a process of its own: the parent must not have a cache when it forks the victim. */
static int survive(int go, int ready)
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
	result = survivor_check(cache);
	rawcache_detach(cache);
	if (result)
		return result;
	cache = attach(image);
	result = survivor_check(cache);
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
static int run_once(enum crash_point point, unsigned int pass, bool *killed)
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
		_exit(survive(go[0], ready[1]));
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		tap_note("the survivor did not begin");
	dying = child_fork();
	if (!dying)
		victim(point, pass);
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

/* A busy machine makes somebody wait, too, but not three times for the same reason. */
static void run(enum crash_point point, unsigned int pass)
{
	int result = SLOW;
	bool killed = false;

	for (int tries = 0; tries < 3 && result == SLOW; tries++)
		result = run_once(point, pass, &killed);
	tap_ok(killed, "%s: killed at pass %u", crash_name(point), pass);
	if (patient && result == SLOW)
		result = 0;
	tap_ok(!result, "%s: nothing is left of it, and nobody waited", crash_name(point));
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
	usleep(40000);
	for (int point = 0; point < CRASH_COUNT; point++)
		for (unsigned int pass = 1; pass <= passes; pass++)
			if (!only || !strcmp(only, crash_name((enum crash_point)point)))
				run((enum crash_point)point, pass);
	return tap_end();
}
