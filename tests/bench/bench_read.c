/* SPDX-License-Identifier: MIT */
/*
 * Reads through the shim against native reads of a local copy, in one process and in turns:
 * bench_read CACHED-FILE LOCAL-COPY [--json] [--rounds N]
 *
 * Both files have the same bytes. For each size, random and sequential, the two sides alternate;
 * the best round of each is taken and their ratio printed: above 1 the cache is faster. Every
 * pass is preceded by one that is not timed. Reads land in one buffer that is used again.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BYTES_PER_PASS (48u << 20)
#define READS_MAX 30000u

struct side {
	int fd;
	double best; /* seconds a read */
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One pass; the offsets are the same for both sides. */
static double pass(int fd, char *buf, size_t size, size_t reads, uint64_t slots, bool random)
{
	uint64_t state = 88172645463325252u;
	double start = seconds();

	if (!random && lseek(fd, 0, SEEK_SET))
		exit(1);
	for (size_t i = 0; i < reads; i++) {
		ssize_t n;

		if (random) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			n = pread(fd, buf, size, (off_t)(state % slots * size));
		} else {
			n = read(fd, buf, size);
		}
		if (n != (ssize_t)size) {
			fprintf(stderr, "bench_read: short read of %zd\n", n);
			exit(1);
		}
	}
	return (seconds() - start) / (double)reads;
}

static void measure(struct side side[2], char *buf, size_t size, uint64_t bytes, bool random,
		    int rounds)
{
	uint64_t slots = bytes / size;
	size_t reads = BYTES_PER_PASS / size;

	reads = reads > READS_MAX ? READS_MAX : reads;
	reads = reads > slots ? slots : reads;
	side[0].best = side[1].best = 1e9;
	for (int round = -1; round < rounds; round++) {
		for (int s = 0; s < 2; s++) {
			double t = pass(side[s].fd, buf, size, reads, slots, random);

			if (round >= 0 && t < side[s].best)
				side[s].best = t;
		}
	}
}

static const char *const size_names[] = { "64", "512", "4K", "16K", "64K", "256K", "1M" };
static const size_t sizes[] = { 64, 512, 4096, 16384, 65536, 262144, 1048576 };

int main(int argc, char **argv)
{
	bool json = argc > 3 && !strcmp(argv[3], "--json");
	struct side side[2] = { 0 };
	struct stat st;
	char *buf;

	if (argc < 3)
		return 2;
	for (int s = 0; s < 2; s++)
		side[s].fd = open(argv[1 + s], O_RDONLY);
	if (side[0].fd < 0 || side[1].fd < 0 || fstat(side[1].fd, &st))
		return 1;
	if (posix_memalign((void **)&buf, 4096, sizes[6]))
		return 1;
	memset(buf, 0, sizes[6]);
	if (!json)
		printf("%-6s %-10s %12s %12s %8s\n", "size", "pattern", "cache ns", "native ns",
		       "ratio");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int random = 0; random < 2; random++) {
			measure(side, buf, sizes[i], (uint64_t)st.st_size, random, 7);
			printf(json ? "{\"bench\":\"read\",\"size\":\"%s\",\"pattern\":\"%s\","
				      "\"cache_ns\":%.0f,\"native_ns\":%.0f,\"ratio\":%.2f}\n" :
				      "%-6s %-10s %12.0f %12.0f %7.2fx\n",
			       size_names[i], random ? "random" : "sequential",
			       side[0].best * 1e9, side[1].best * 1e9,
			       side[1].best / side[0].best);
		}
	}
	return 0;
}
