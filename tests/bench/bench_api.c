/* SPDX-License-Identifier: MIT */
/*
 * Lookups through the C API, three ways: bench_api IMAGE [--json]
 *
 *	regular	rawcache_lookup(): pread() into a buffer, checksum of what was read
 *	copy	rawcache_lookup_zero_copy() and memcpy() into a buffer
 *	view	rawcache_lookup_zero_copy(): the borrowed view itself
 *
 * 50 objects of 1 MiB and 20 of 2 MiB, as in the table that the system we follow published
 * (11.36x and 4.76x). "touched": the consumer adds up every byte, in all three ways. "handed
 * over": it looks at one byte a page, as a program does that passes the bytes on. The ways take
 * turns; the best round counts. What a view saves is the copy and the checksum, so a column
 * tells what the regular way costs with the checksum alone taken off. All of these find the
 * bytes in the page cache. The table above was of a cache that reads its raw disk when it looks
 * something up; the line "disk" does that (O_DIRECT, no checksum): against it the gain of a view
 * is mostly that of the page cache.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rawcache/image.h>
#include <rawcache/object.h>

#define ROUNDS 15
#define MIB (1u << 20)

enum { DISK, REGULAR, UNCHECKED, COPY, VIEW, WAYS };
static const char *const way_names[] = { "disk", "regular", "regular without checksum", "copy",
					 "view" };

static uint64_t sink;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Every byte is in the sum; eight at a time and four sums, so that the memory is the limit. */
static void consume(const void *data, size_t n, bool all)
{
	const uint64_t *p = data;
	uint64_t s[8] = { 0 };

	if (!all) {
		for (size_t i = 0; i < n; i += 4096)
			s[0] += ((const unsigned char *)data)[i];
	} else {
		for (size_t i = 0; i < n / 8; i += 8)
			for (int j = 0; j < 8; j++)
				s[j] += p[i + (size_t)j];
	}
	sink += s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_api: %s failed\n", what);
	exit(1);
}

static void look_up(struct rawcache *cache, int way, uint32_t key, char *buf, size_t n,
		    const int fd[2], bool all)
{
	struct rawcache_view view;

	if (way == UNCHECKED || way == DISK) {
		/* what pread() itself costs: the same bytes from a file beside the image */
		if (pread(fd[way == DISK], buf, n, (off_t)(key % 50) * (off_t)n) != (ssize_t)n)
			fail("pread");
		consume(buf, n, all);
		return;
	}
	if (way == REGULAR) {
		if (rawcache_lookup(cache, &key, sizeof(key), buf, n) != (ssize_t)n)
			fail("rawcache_lookup");
		consume(buf, n, all);
		return;
	}
	if (rawcache_lookup_zero_copy(cache, &key, sizeof(key), &view))
		fail("rawcache_lookup_zero_copy");
	if (way == COPY)
		memcpy(buf, view.data, view.length);
	consume(way == COPY ? buf : view.data, view.length, all);
	rawcache_view_release(cache, &view);
}

static void measure(struct rawcache *cache, uint32_t first, uint32_t count, size_t n,
		    const int fd[2], bool all, double best[WAYS])
{
	char *buf = NULL;

	if (posix_memalign((void **)&buf, 4096, n))
		exit(1);
	memset(buf, 0, n);
	for (int way = 0; way < WAYS; way++)
		best[way] = 1e9;
	for (int round = -1; round < ROUNDS; round++) {
		for (int way = 0; way < WAYS; way++) {
			double start = seconds();
			double t;

			for (uint32_t i = 0; i < count; i++)
				look_up(cache, way, first + i, buf, n, fd, all);
			t = (seconds() - start) / count;
			if (round >= 0 && t < best[way])
				best[way] = t;
		}
	}
	free(buf);
}

static void store_all(struct rawcache *cache, uint32_t first, uint32_t count, size_t n, int fd)
{
	char *bytes = malloc(n);

	for (uint32_t i = first; i < first + count; i++) {
		for (size_t j = 0; j < n; j++)
			bytes[j] = (char)((j + i) * 2654435761u >> 11);
		if (rawcache_store(cache, &i, sizeof(i), bytes, n, 0) ||
		    pwrite(fd, bytes, n, (off_t)(i % 50) * (off_t)n) != (ssize_t)n)
			fail("storing");
	}
	free(bytes);
}

static void report(const double best[WAYS], const char *set, bool all, double published, bool json)
{
	if (json) {
		printf("{\"bench\":\"api\",\"set\":\"%s\",\"consumer\":\"%s\",\"disk_us\":%.1f,"
		       "\"regular_us\":%.1f,"
		       "\"pread_only_us\":%.1f,\"copy_us\":%.1f,\"view_us\":%.1f,"
		       "\"copy_ratio\":%.2f,\"view_ratio\":%.2f,\"view_to_disk\":%.2f,"
		       "\"published\":%.2f}\n",
		       set, all ? "touched" : "handed over", best[DISK] * 1e6, best[REGULAR] * 1e6,
		       best[UNCHECKED] * 1e6, best[COPY] * 1e6, best[VIEW] * 1e6,
		       best[REGULAR] / best[COPY], best[REGULAR] / best[VIEW],
		       best[DISK] / best[VIEW], published);
		return;
	}
	printf("%-12s %s\n", set,
	       all ? "every byte touched by the consumer" : "one byte a page touched");
	for (int way = 0; way < WAYS; way++)
		printf("  %-26s %9.1f us %8.2fx of regular %8.2fx of disk\n", way_names[way],
		       best[way] * 1e6, best[REGULAR] / best[way], best[DISK] / best[way]);
	printf("  published                                %.2fx\n", published);
}

static struct rawcache *cache_make(const char *path)
{
	struct rawcache_format_options format;
	struct rawcache_options options;
	struct rawcache *cache;
	char message[256];

	rawcache_format_options_init(&format, sizeof(format));
	format.size = 512 * UINT64_C(1048576);
	format.force = true;
	rawcache_options_init(&options, sizeof(options));
	options.device = path;
	if (rawcache_image_format(path, &format, message, sizeof(message)) ||
	    rawcache_attach(&options, &cache, NULL))
		fail("making the image");
	return cache;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint32_t count;
		size_t n;
		double published;
	} sets[] = { { "50 x 1 MiB", 50, MIB, 11.36 }, { "20 x 2 MiB", 20, 2 * MIB, 4.76 } };
	bool json = argc > 2 && !strcmp(argv[2], "--json");
	struct rawcache *cache;
	char path[4096];
	int fd[2];

	if (argc < 2)
		return 2;
	cache = cache_make(argv[1]);
	snprintf(path, sizeof(path), "%s.plain", argv[1]);
	for (uint32_t s = 0; s < 2; s++) {
		fd[0] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		fd[1] = open(path, O_RDONLY | O_DIRECT);
		store_all(cache, s * 1000, sets[s].count, sets[s].n, fd[0]);
		fsync(fd[0]);
		for (int all = 1; all >= 0; all--) {
			double best[WAYS];

			measure(cache, s * 1000, sets[s].count, sets[s].n, fd, all, best);
			report(best, sets[s].name, all, sets[s].published, json);
		}
		close(fd[0]);
		close(fd[1]);
	}
	unlink(path);
	rawcache_detach(cache);
	return sink == 42;
}
