/* SPDX-License-Identifier: MIT */
/*
 * Reads of what is on the disk and not in memory: a cached file against a local copy, in turns.
 * bench_cold CACHED-FILE LOCAL-COPY CACHED-SMALL-FILE IMAGE [--json]
 *
 * Each pass is a process of its own, because the pages of an image that is mapped cannot be dropped.
 * It drops the pages of both sides, attaches by opening the small file, and then times its reads.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define READS_MAX 1500u
#define ROUNDS 15

struct pass {
	const char *path;    /* of the file that is read */
	const char *drop[2]; /* what must not be in memory */
	const char *small;
	size_t size;
	size_t reads;
	uint64_t slots;
	uint64_t seed;
	bool random;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void pages_drop(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail(path);
	close(fd);
}

/* Seconds a read, in the child. */
static double pass_time(const struct pass *pass)
{
	static char buf[1 << 20] __attribute__((aligned(4096)));
	uint64_t state = pass->seed;
	double start;
	int fd;

	for (int i = 0; i < 2; i++)
		pages_drop(pass->drop[i]);
	fd = open(pass->small, O_RDONLY);
	if (fd < 0 || read(fd, buf, 1) != 1)
		fail(pass->small);
	close(fd);
	fd = open(pass->path, O_RDONLY);
	if (fd < 0)
		fail(pass->path);
	memset(buf, 0, sizeof(buf));
	start = bench_seconds();
	for (size_t i = 0; i < pass->reads; i++) {
		uint64_t slot = pass->random ? bench_random(&state) % pass->slots : i;

		if (pread(fd, buf, pass->size, (off_t)(slot * pass->size)) != (ssize_t)pass->size)
			fail("pread");
	}
	return (bench_seconds() - start) / (double)pass->reads;
}

static double pass_run(const struct pass *pass)
{
	double result = 0;
	int status = 0;
	int out[2];
	pid_t pid;

	if (pipe(out))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		result = pass_time(pass);
		_exit(write(out[1], &result, sizeof(result)) != sizeof(result));
	}
	close(out[1]);
	if (read(out[0], &result, sizeof(result)) != sizeof(result))
		result = 0;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || status || result <= 0)
		exit(1);
	return result;
}

static void measure(struct pass pass, const char *const path[2], const char *name, bool json)
{
	double best[2] = { 1e9, 1e9 };

	for (int round = 0; round < ROUNDS; round++) {
		pass.seed = 88172645463325252u + (uint64_t)round;
		for (int s = 0; s < 2; s++) {
			double t;

			pass.path = path[s];
			t = pass_run(&pass);
			if (t < best[s])
				best[s] = t;
		}
	}
	printf(json ? "{\"bench\":\"cold\",\"size\":\"%s\",\"pattern\":\"%s\",\"cache_ns\":%.0f,"
		      "\"native_ns\":%.0f,\"ratio\":%.2f}\n" :
		      "%-6s %-10s %12.0f %12.0f %7.2fx\n",
	       name, pass.random ? "random" : "sequential", best[0] * 1e9, best[1] * 1e9,
	       best[1] / best[0]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "4K", "64K", "256K", "1M" };
	static const size_t sizes[] = { 4096, 65536, 262144, 1048576 };
	bool json = argc > 5 && !strcmp(argv[5], "--json");
	struct stat st;

	if (argc < 5 || stat(argv[2], &st))
		return 2;
	if (!json)
		printf("%-6s %-10s %12s %12s %8s\n", "size", "pattern", "cache ns", "native ns",
		       "ratio");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int random = 0; random < 2; random++) {
			struct pass pass = {
				.drop = { argv[4], argv[2] },
				.small = argv[3],
				.size = sizes[i],
				.slots = (uint64_t)st.st_size / sizes[i],
				.random = random,
			};
			const char *const path[2] = { argv[1], argv[2] };

			pass.reads = pass.slots;
			if (pass.reads > READS_MAX && random)
				pass.reads = READS_MAX;
			measure(pass, path, names[i], json);
		}
	}
	return 0;
}
