/* SPDX-License-Identifier: MIT */
/*
 * A node's program: eight threads read a file below the mount and compare every byte with a local copy.
 * tier_read FILE LOCAL-COPY SEED [PID SIGNAL]
 *
 * The order is that of the file, or shuffled by SEED if it is not -1. PID gets the SIGNAL when half of the file
 * has been asked for. Prints seconds, processor seconds, the most memory in KiB, and of the reads of each half the
 * median, the slowest hundredth and the slowest, in seconds. BENCH_READS=FILE: each read goes there, as JSON: when
 * it began, how long it took, its offset. Exit 1: a byte is wrong.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define THREADS 8
#define PIECE (256u << 10)

static struct piece {
	uint64_t offset;
	double begun, took;
} * pieces;

static size_t count, next;
static int fd;
static int local;
static uint64_t size;
static bool wrong;
static pid_t pid;
static int signal_number;

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void *work(void *arg)
{
	char *buf = malloc(2 * (size_t)PIECE);
	size_t i;

	(void)arg;
	if (!buf)
		fail("malloc");
	while ((i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < count) {
		struct piece *p = &pieces[i];
		size_t n = size - p->offset < PIECE ? size - p->offset : PIECE;

		if (pid && i == count / 2)
			kill(pid, signal_number);
		p->begun = bench_seconds();
		if (pread(fd, buf, n, (off_t)p->offset) != (ssize_t)n)
			fail("pread");
		p->took = bench_seconds() - p->begun;
		if (pread(local, buf + PIECE, n, (off_t)p->offset) != (ssize_t)n)
			fail("pread of the local copy");
		if (memcmp(buf, buf + PIECE, n))
			__atomic_store_n(&wrong, true, __ATOMIC_RELAXED);
	}
	free(buf);
	return NULL;
}

static void pieces_make(long seed)
{
	uint64_t state = (uint64_t)seed * 2 + 88172645463325252u;

	count = (size + PIECE - 1) / PIECE;
	pieces = calloc(count, sizeof(*pieces));
	if (!pieces)
		fail("calloc");
	for (size_t i = 0; i < count; i++)
		pieces[i].offset = i * (uint64_t)PIECE;
	for (size_t i = count; seed != -1 && i > 1; i--) {
		size_t other = bench_random(&state) % i;
		uint64_t offset = pieces[i - 1].offset;

		pieces[i - 1].offset = pieces[other].offset;
		pieces[other].offset = offset;
	}
}

static int slower(const void *a, const void *b)
{
	double x = ((const struct piece *)a)->took, y = ((const struct piece *)b)->took;

	return (x > y) - (x < y);
}

static void print_half(struct piece *half, size_t n)
{
	qsort(half, n, sizeof(*half), slower);
	printf(" %.6f %.6f %.6f", half[n / 2].took, half[n * 99 / 100].took, half[n - 1].took);
}

static void reads_write(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		fail(path);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s[%.6f, %.6f, %llu]", i ? ", " : "[", pieces[i].begun,
			pieces[i].took, (unsigned long long)pieces[i].offset);
	fputs("]\n", out);
	if (fclose(out))
		fail(path);
}

static void report(double seconds)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	printf("%.6f %.6f %ld", seconds,
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6,
	       used.ru_maxrss);
	if (getenv("BENCH_READS"))
		reads_write(getenv("BENCH_READS"));
	print_half(pieces, count / 2);
	print_half(pieces + count / 2, count - count / 2);
	putchar('\n');
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	struct stat st;
	double start;

	if (argc < 4)
		return 2;
	fd = open(argv[1], O_RDONLY);
	local = open(argv[2], O_RDONLY);
	if (fd < 0 || local < 0 || fstat(local, &st))
		fail("open");
	size = (uint64_t)st.st_size;
	pieces_make(atol(argv[3]));
	if (argc > 5) {
		pid = atoi(argv[4]);
		signal_number = atoi(argv[5]);
	}
	start = bench_seconds();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			fail("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	report(bench_seconds() - start);
	return wrong;
}
