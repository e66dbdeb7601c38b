/* SPDX-License-Identifier: MIT */
/*
 * Many processes and threads read a data set four times as large as the image, at random, and
 * check every byte, while a writer replaces, rewrites, shortens and extends the files.
 *
 *	--seconds N	length of each round		(5)
 *	--processes N	readers				(16)
 *	--threads N	threads in each			(4)
 *	--kill		SIGKILL readers at random and start others
 *	--stop		SIGSTOP readers for longer than anybody waits for them
 *	--image PATH	use this image, make it if it is not there
 *	--seed N	of the random numbers
 *
 *	--io WAY	read ahead by threads, io_uring or sync; else all of them do
 *	--direct	write with O_DIRECT
 *
 *	--clock		wall clocks that jump, for each process another way. Files are replaced then,
 *			when all of them is written: a file system's stamps do not jump along, and
 *			what is written at this moment may seem to be days old
 *
 * Without --kill, --stop and --clock there are four rounds: without them, with the first, with both,
 * and with the last two, in a new boot. Now and then a reader forks a child that reads on.
 *
 * What a read may return (docs/design/identity.md). The versions of a file are numbered; `started` is
 * the newest that the writer has begun, `done` the newest it has finished. A read gives words
 * of versions from a lower bound, taken before it, up to `started`, looked at after it:
 *  - at least what was done when the file was opened;
 *  - at least `told`, what the writer has done under the cache's eyes (rawcache_file_changed),
 *    as long as the path still leads to the inode that is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "child.h"
#include "pattern.h"
#include "support.h"
#include "torture_engine.h"

#define PROCESSES_MAX 128
#define STOP_S 2.6 /* more than flights and locks are waited for */
/* No hang ends by itself; a read of many chunks may wait 2 s for each of several stopped owners. */
#define HUNG_S 30

struct shared *shared;
const char *image;
static unsigned int processes = 16;
unsigned int threads = 4;
static double seconds = 5;
static bool with_kill, with_stop;
bool with_clock;
uint64_t seed = 1;

/* The engine's: wall time is days off, and each time it is looked at others. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	static uint64_t random;
	uint64_t r = fetch_add(&random, 1);
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	if (with_clock && clock == CLOCK_REALTIME && !(r % 3))
		t->tv_sec += (time_t)(getpid() * 7919 % 30 - 15) * 86400 + (time_t)(r % 7200);
	return result;
}

const char *file_path(uint32_t number)
{
	static tls_initial char path[512];

	snprintf(path, sizeof(path), "%s/data.%u", scratch_dir(), number);
	return path;
}

/* --- the round */

struct round {
	pid_t pid[PROCESSES_MAX];
	double stopped[PROCESSES_MAX]; /* since when, or 0 */
	pid_t writer;
	uint64_t random;
	unsigned int kills, stops, hung, failed;
};

static pid_t spawn(int (*body)(uint64_t random), uint64_t random)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(body(random));
	return pid;
}

static void round_spawn(struct round *round, unsigned int i)
{
	round->pid[i] = spawn(reader_main, pattern_random(&round->random));
	round->stopped[i] = 0;
}

static void round_kill(struct round *round)
{
	unsigned int i = (unsigned int)(pattern_random(&round->random) % processes);

	kill(round->pid[i], SIGKILL);
	waitpid(round->pid[i], NULL, 0);
	round->kills++;
	round_spawn(round, i);
}

static void round_stop(struct round *round, bool all_on)
{
	unsigned int i = (unsigned int)(pattern_random(&round->random) % processes);
	double now = now_s();

	for (unsigned int n = 0; n < processes; n++) {
		if (round->stopped[n] > 0 && (all_on || now - round->stopped[n] > STOP_S)) {
			kill(round->pid[n], SIGCONT);
			round->stopped[n] = 0;
		}
	}
	if (all_on || round->stopped[i] > 0 || pattern_random(&round->random) % 8)
		return;
	kill(round->pid[i], SIGSTOP);
	round->stopped[i] = now;
	round->stops++;
}

/* Wait for a process that was told to end; one that does not is killed, and that is a failure. */
static void round_wait(struct round *round, pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (status) {
				tap_note("process %d ended with status %#x", pid, status);
				round->failed++;
			}
			return;
		}
		usleep(10000);
	}
	tap_note("process %d hangs", pid);
	round->hung++;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void round_run(struct round *round)
{
	double end = now_s() + seconds;

	shared->stop = 0;
	for (unsigned int i = 0; i < processes; i++)
		round_spawn(round, i);
	round->writer = spawn(writer_main, pattern_random(&round->random));
	while (now_s() < end && !load_relaxed(&shared->bad)) {
		usleep(40000);
		if (with_kill)
			round_kill(round);
		if (with_stop)
			round_stop(round, false);
	}
	round_stop(round, true);
	store_release(&shared->stop, 1);
	for (unsigned int i = 0; i < processes; i++)
		round_wait(round, round->pid[i]);
	round_wait(round, round->writer);
}

static void run(const char *name)
{
	struct round round = { .random = seed++ };
	struct rawcache *cache;
	struct rawcache_stats before;

	totals_get(&before);
	shared->reads = shared->bytes = shared->bypassed = shared->changes = 0;
	shared->errors = 0;
	shared->forks = 0;
	shared->longest_us = 0;
	tap_note("round: %s, %u processes of %u threads, %.0f s", name, processes, threads,
		 seconds);
	round_run(&round);
	cache = attach(image);
	tap_note("%llu reads, %llu MiB through the cache, %llu reads past it, %llu changes, "
		 "%u kills, %u stops, %llu forks, longest wait %.1f ms",
		 (unsigned long long)shared->reads, (unsigned long long)shared->bytes >> 20,
		 (unsigned long long)shared->bypassed, (unsigned long long)shared->changes,
		 round.kills, round.stops, (unsigned long long)shared->forks,
		 (double)shared->longest_us / 1000);
	tap_ok(!shared->bad, "every byte is right%s%s", shared->bad ? ": " : "", shared->first_bad);
	tap_ok(!shared->errors, "no read failed (%u)", shared->errors);
	tap_ok(!round.hung && !round.failed, "no process hung or failed");
	/* a stopped one may be waited for; a killed one only until its death is seen */
	tap_ok(with_stop || shared->longest_us < HUNG_S * 1000000, "no read hung");
	check_left(cache);
	check_totals(cache, &before, shared->bytes, (uint64_t)round.kills * threads * READ_MAX);
	check_verify(cache);
	rawcache_detach(cache);
}

static void option_take(int c)
{
	switch (c) {
	case 's':
		seconds = atof(optarg);
		break;
	case 'p':
		processes = (unsigned int)atoi(optarg);
		break;
	case 't':
		threads = (unsigned int)atoi(optarg);
		break;
	case 'k':
		with_kill = true;
		break;
	case 'z':
		with_stop = true;
		break;
	case 'c':
		with_clock = true;
		break;
	case 'i':
		image = optarg;
		break;
	case 'w':
		test_io = !strcmp(optarg, "threads") ? RAWCACHE_IO_THREADS :
			  !strcmp(optarg, "sync")    ? RAWCACHE_IO_SYNC :
						       RAWCACHE_IO_URING;
		break;
	case 'd':
		test_direct = true;
		break;
	case 'r':
		seed = strtoull(optarg, NULL, 0);
		break;
	default:
		exit(2);
	}
}

static void options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "kill", no_argument, NULL, 'k' },
		{ "stop", no_argument, NULL, 'z' },
		{ "clock", no_argument, NULL, 'c' },
		{ "image", required_argument, NULL, 'i' },
		{ "seed", required_argument, NULL, 'r' },
		{ "io", required_argument, NULL, 'w' },
		{ "direct", no_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		option_take(c);
	if (!processes || processes > PROCESSES_MAX || !threads)
		die("bad number of processes or threads");
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	if (!image)
		image = strdup(scratch_path("image"));
	if (access(image, F_OK))
		image_make(image, TEST_IMAGE_BYTES);
	files_make();
	if (with_kill || with_stop || with_clock) {
		run(with_clock ? with_stop ? "clock and stop" : "clock" :
		    with_kill  ? with_stop ? "kill and stop" : "kill" :
				 "stop");
		return tap_end();
	}
	run("plain");
	with_kill = true;
	run("kill");
	with_stop = true;
	run("kill and stop");
	with_kill = false;
	with_clock = true;
	setenv("RAWCACHE_TEST_BOOT_ID", "00000002-0000-0000-0000-000000000000", 1);
	run("clock and stop");
	return tap_end();
}
