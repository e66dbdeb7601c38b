/* SPDX-License-Identifier: MIT */
/*
 * Reads through the shim against native reads of a local copy, in turns:
 * bench_read CACHED-FILE LOCAL-COPY [--json|--turns]
 *
 * Both files have the same bytes. For each size, random and sequential, the sides alternate; the
 * best round of each is taken and their ratio printed: above 1 the cache is faster. Every pass is
 * preceded by one that is not timed. Reads land in one buffer that is used again. A third side
 * copies the same bytes out of a populated mapping of the local copy: what memory itself can do.
 * Then the same with two threads, and with two processes, at once; the time is that of a read in
 * one of them.
 *
 * With --turns it measures what standard input names, a line each, so that two processes can take turns in
 * milliseconds (against.py): "list" prints the names of all rows, a row's number times one pass of the cached file.
 * Workers stay on one processor each then.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define BYTES_PER_PASS (48u << 20)
#define READS_MAX 30000u
#define ROUNDS 7
#define WORKERS 2

enum { CACHE, NATIVE, MEMORY, SIDES };
enum { ALONE, THREADS, PROCESSES, MODES };

static const char *paths[2];
static const char *memory; /* of the local copy */
static uint64_t bytes;
static cpu_set_t processors; /* with --turns: those that workers may have */

/* What workers share, processes too. */
static struct shared {
	pthread_barrier_t start;
	double time[WORKERS]; /* seconds a read */
} * shared;

struct pass {
	size_t size, reads;
	uint64_t slots;
	bool random;
	int side;
};

struct worker {
	const struct pass *pass;
	int number, mode;
	pthread_t thread;
	pid_t pid;
};

/* Of the thread on the processor: nothing here waits, and other programs' turns do not count. */
static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void read_one(const struct pass *pass, int fd, char *buf, uint64_t slot)
{
	ssize_t n;

	if (pass->side == MEMORY) {
		memcpy(buf, memory + slot * pass->size, pass->size);
		__asm__ volatile("" ::"r"(buf) : "memory");
		return;
	}
	if (pass->random)
		n = pread(fd, buf, pass->size, (off_t)(slot * pass->size));
	else
		n = read(fd, buf, pass->size);
	if (n != (ssize_t)pass->size)
		fail("read");
}

static void pass_reads(const struct pass *pass, int fd, char *buf)
{
	uint64_t state = 88172645463325252u;

	if (pass->side != MEMORY && lseek(fd, 0, SEEK_SET))
		fail("lseek");
	for (size_t i = 0; i < pass->reads; i++)
		read_one(pass, fd, buf, pass->random ? bench_random(&state) % pass->slots : i);
}

/* The calling thread stays on one processor. */
static void stay(int number)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &processors) && !number--)
			CPU_SET(i, &one);
	if (CPU_COUNT(&one))
		sched_setaffinity(0, sizeof(one), &one);
}

static void *work(void *arg)
{
	const struct worker *w = arg;
	int fd = w->pass->side == MEMORY ? -1 : open(paths[w->pass->side], O_RDONLY);
	char *buf = NULL;
	double start;

	if (CPU_COUNT(&processors))
		stay(w->number);
	if ((fd < 0 && w->pass->side != MEMORY) || posix_memalign((void **)&buf, 4096, 1 << 20))
		fail("open");
	memset(buf, 0, 1 << 20);
	pass_reads(w->pass, fd, buf);
	if (w->mode != ALONE)
		pthread_barrier_wait(&shared->start);
	start = cpu_seconds();
	pass_reads(w->pass, fd, buf);
	shared->time[w->number] = (cpu_seconds() - start) / (double)w->pass->reads;
	free(buf);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void worker_start(struct worker *w)
{
	if (w->mode == THREADS) {
		if (pthread_create(&w->thread, NULL, work, w))
			fail("pthread_create");
		return;
	}
	w->pid = fork();
	if (w->pid < 0)
		fail("fork");
	if (!w->pid) {
		work(w);
		_exit(0);
	}
}

static void worker_end(struct worker *w)
{
	int status = 0;

	if (w->mode == THREADS)
		pthread_join(w->thread, NULL);
	else if (waitpid(w->pid, &status, 0) < 0 || status)
		exit(1);
}

/* Seconds a read, the mean of the workers'. */
static double pass_run(const struct pass *pass, int mode)
{
	struct worker w[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		w[i] = (struct worker){ .pass = pass, .number = i, .mode = mode };
	if (mode == ALONE) {
		work(&w[0]);
		return shared->time[0];
	}
	for (int i = 0; i < WORKERS; i++)
		worker_start(&w[i]);
	for (int i = 0; i < WORKERS; i++)
		worker_end(&w[i]);
	return (shared->time[0] + shared->time[1]) / 2;
}

static void measure(struct pass *pass, int mode, double best[SIDES])
{
	for (int s = 0; s < SIDES; s++)
		best[s] = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		for (pass->side = 0; pass->side < SIDES; pass->side++) {
			double t = pass_run(pass, mode);

			if (t < best[pass->side])
				best[pass->side] = t;
		}
	}
}

static const char *const mode_names[] = { "1 thread", "2 threads", "2 processes" };
static const char *const size_names[] = { "64", "512", "4K", "16K", "64K", "256K", "1M" };
static const size_t sizes[] = { 64, 512, 4096, 16384, 65536, 262144, 1048576 };

static void report(int mode, int size, bool random, const double best[SIDES], double alone,
		   bool json)
{
	printf(json ? "{\"bench\":\"read\",\"workers\":\"%s\",\"size\":\"%s\",\"pattern\":\"%s\","
		      "\"cache_ns\":%.1f,\"native_ns\":%.1f,\"ratio\":%.2f,\"memcpy_ns\":%.1f,"
		      "\"of_memcpy\":%.2f,\"of_alone\":%.2f}\n" :
		      "%-12s %-5s %-10s %10.1f %10.1f %7.2fx %10.1f %6.2f %6.2f\n",
	       mode_names[mode], size_names[size], random ? "random" : "sequential",
	       best[CACHE] * 1e9, best[NATIVE] * 1e9, best[NATIVE] / best[CACHE],
	       best[MEMORY] * 1e9, best[MEMORY] / best[CACHE], alone / best[CACHE]);
}

static void *map_copy(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	void *p;

	if (fd < 0 || fstat(fd, &st))
		fail(path);
	bytes = (uint64_t)st.st_size;
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	close(fd);
	return p;
}

static void shared_make(void)
{
	pthread_barrierattr_t attr;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		fail("mmap");
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attr, WORKERS);
}

#define SIZES (int)(sizeof(sizes) / sizeof(sizes[0]))

/* Of row `i`: all sizes, sequential and random, alone, then in threads, then in processes. */
static struct pass row_pass(int i)
{
	struct pass pass = { .size = sizes[i / 2 % SIZES], .random = i % 2 };

	pass.slots = bytes / pass.size;
	pass.reads = BYTES_PER_PASS / pass.size;
	pass.reads = pass.reads > READS_MAX ? READS_MAX : pass.reads;
	pass.reads = pass.reads > pass.slots ? pass.slots : pass.reads;
	return pass;
}

static int row_mode(int i)
{
	return i / 2 / SIZES;
}

#define ROWS (2 * SIZES * MODES)

static void take_turns(void)
{
	char line[64];

	if (sched_getaffinity(0, sizeof(processors), &processors))
		fail("sched_getaffinity");
	while (fgets(line, sizeof(line), stdin)) {
		int row = atoi(line);
		struct pass pass = row_pass(row % ROWS);

		if (!strcmp(line, "list\n"))
			for (int i = 0; i < ROWS; i++)
				printf("%s %s %s%c", mode_names[row_mode(i)],
				       size_names[i / 2 % SIZES], i % 2 ? "random" : "sequential",
				       i == ROWS - 1 ? '\n' : ',');
		else
			printf("%.3f\n", pass_run(&pass, row_mode(row % ROWS)) * 1e9);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	bool json = argc > 3 && !strcmp(argv[3], "--json");
	double alone[2 * SIZES];

	if (argc < 3)
		return 2;
	paths[CACHE] = argv[1];
	paths[NATIVE] = argv[2];
	memory = map_copy(argv[2]);
	shared_make();
	if (argc > 3 && !strcmp(argv[3], "--turns")) {
		take_turns();
		return 0;
	}
	if (!json)
		printf("%-12s %-5s %-10s %10s %10s %8s %10s %6s %6s\n", "", "size", "pattern",
		       "cache ns", "native ns", "ratio", "memcpy ns", "of it", "alone");
	for (int i = 0; i < ROWS; i++) {
		struct pass pass = row_pass(i);
		double best[SIDES];

		measure(&pass, row_mode(i), best);
		if (row_mode(i) == ALONE)
			alone[i] = best[CACHE];
		report(row_mode(i), i / 2 % SIZES, i % 2, best, alone[i % (2 * SIZES)], json);
		fflush(stdout);
	}
	return 0;
}
