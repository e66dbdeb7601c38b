/* SPDX-License-Identifier: MIT */
/*
 * How long single reads of a cached file take: bench_hit FILE SECONDS
 *
 * Random reads of 4 KiB, each timed. Prints "reads p50 p99 p99.9", the last three in ns. All
 * of the file is read once before, so that every timed read is a hit of memory.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define SIZE 4096u
#define SAMPLES (1u << 22)

static uint64_t now_ns(void)
{
	return (uint64_t)(bench_seconds() * 1e9);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The time of one read in ns, or UINT32_MAX. */
static uint32_t timed_read(int fd, char *buf, uint64_t offset)
{
	uint64_t start = now_ns();

	if (pread(fd, buf, SIZE, (off_t)offset) != SIZE)
		return UINT32_MAX;
	return (uint32_t)(now_ns() - start);
}

int main(int argc, char **argv)
{
	uint32_t *sample = calloc(SAMPLES, sizeof(*sample));
	uint64_t state = 88172645463325252u;
	static char buf[SIZE];
	struct stat st;
	size_t n = 0;
	uint64_t end;
	int fd;

	fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st) || !sample)
		return 2;
	for (int pass = 0; pass < 2; pass++)
		for (off_t at = 0; at + (off_t)SIZE <= st.st_size; at += SIZE)
			timed_read(fd, buf, (uint64_t)at);
	end = now_ns() + strtoull(argv[2], NULL, 10) * 1000000000u;
	while (n < SAMPLES && now_ns() < end) {
		sample[n] = timed_read(fd, buf,
				       bench_random(&state) % ((uint64_t)st.st_size / SIZE) * SIZE);
		if (sample[n++] == UINT32_MAX)
			return 1;
	}
	qsort(sample, n, sizeof(*sample), ascending);
	printf("%zu %u %u %u\n", n, sample[n / 2], sample[n * 99 / 100], sample[n * 999 / 1000]);
	free(sample);
	return 0;
}
