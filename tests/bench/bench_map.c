/* SPDX-License-Identifier: MIT */
/*
 * A mapping that is stitched from the cache against one of a local copy, in turns:
 * bench_map CACHED-FILE LOCAL-COPY [--json [NAME]]
 *
 *   open    open, mmap, munmap, close
 *   fault   map, and touch each page once in random order (page faults included)
 *   touch   random touches of a mapping whose pages are all there
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS 7
#define OPEN_ROUNDS 300
#define TOUCHES 4000000u

struct mapping {
	volatile const unsigned char *at;
	size_t bytes;
	int fd;
};

static struct mapping mapping_open(const char *path)
{
	struct mapping map = { .fd = open(path, O_RDONLY) };
	struct stat st;
	void *at;

	if (map.fd < 0 || fstat(map.fd, &st))
		exit(1);
	map.bytes = (size_t)st.st_size;
	at = mmap(NULL, map.bytes, PROT_READ, MAP_PRIVATE, map.fd, 0);
	if (at == MAP_FAILED)
		exit(1);
	map.at = at;
	return map;
}

static void mapping_close(struct mapping *map)
{
	munmap((void *)map->at, map->bytes);
	close(map->fd);
}

static double open_time(const char *path)
{
	double start = bench_seconds();
	struct mapping map = mapping_open(path);

	mapping_close(&map);
	return bench_seconds() - start;
}

/* Pages in an order that visits each once: a step that has no factor in common with their number. */
static double fault_time(const char *path)
{
	struct mapping map = mapping_open(path);
	size_t pages = map.bytes / 4096;
	size_t step = pages / 2 + 7919;
	unsigned int sum = 0;
	double start = bench_seconds();

	while (step % 2 == 0 || pages % step == 0)
		step++;
	for (size_t i = 0, page = 0; i < pages; i++, page = (page + step) % pages)
		sum += map.at[page * 4096];
	start = (bench_seconds() - start) / (double)pages;
	mapping_close(&map);
	return sum == 1 ? start * 1.0000001 : start;
}

static double touch_time(const char *path)
{
	struct mapping map = mapping_open(path);
	uint64_t state = 88172645463325252u;
	unsigned int sum = 0;
	double start;

	for (size_t at = 0; at < map.bytes; at += 4096)
		sum += map.at[at];
	start = bench_seconds();
	for (unsigned int i = 0; i < TOUCHES; i++)
		sum += map.at[bench_random(&state) % map.bytes];
	start = (bench_seconds() - start) / TOUCHES;
	mapping_close(&map);
	return sum == 1 ? start * 1.0000001 : start;
}

static void measure(const char *name, double (*time_of)(const char *path), int rounds, char **path,
		    bool json)
{
	double best[2] = { 1e9, 1e9 };

	for (int round = -1; round < rounds; round++) {
		for (int s = 0; s < 2; s++) {
			double t = time_of(path[s]);

			if (round >= 0 && t < best[s])
				best[s] = t;
		}
	}
	printf(json ? "{\"bench\":\"map\",\"what\":\"%s\",\"cache_ns\":%.1f,\"native_ns\":%.1f,"
		      "\"ratio\":%.2f}\n" :
		      "%-6s %14.1f %14.1f %7.2fx\n",
	       name, best[0] * 1e9, best[1] * 1e9, best[1] / best[0]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		double (*time_of)(const char *path);
		int rounds;
	} rows[] = { { "open", open_time, OPEN_ROUNDS },
		     { "fault", fault_time, ROUNDS },
		     { "touch", touch_time, ROUNDS } };
	bool json = argc > 3 && !strcmp(argv[3], "--json");

	if (argc < 3)
		return 2;
	if (!json)
		printf("%-6s %14s %14s %8s\n", "what", "cache ns", "native ns", "ratio");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (argc < 5 || !strcmp(argv[4], rows[i].name))
			measure(rows[i].name, rows[i].time_of, rows[i].rounds, argv + 1, json);
	return 0;
}
