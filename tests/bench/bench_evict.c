/* SPDX-License-Identifier: MIT */
/*
 * Hit ratios by bytes, of the engine and of policies that know each object:
 *	bench_evict [--json] [--region=BYTES] [--size=BYTES] [--requests=N] [--files] IMAGE [SHAPE]...
 *
 * The image is made anew. Objects are looked up, and stored when they are not there; with --files
 * they are files beside the image, without contents, that are read through the cache. Shapes are
 * told in trace.h. The policies have as many bytes as the image. "moved" is what eviction copied,
 * for each byte that was stored; "used" the mean part of the image that had something in it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rawcache/file.h>
#include <rawcache/image.h>
#include <rawcache/object.h>

#include "trace.h"

#define SIZE_DEFAULT (UINT64_C(256) << 20)
#define REQUESTS_DEFAULT 200000u
#define BUFFER (512u << 10)
#define USED_EVERY 5000u

struct bench {
	const char *image;
	char dir[512];
	bool json, files;
	uint64_t size;
	uint32_t region, requests;
	struct rawcache *cache;
	struct rawcache_stats stats;
	double used; /* the mean share of the image that was in use */
};

static char buffer[BUFFER];

static void fail(const char *what)
{
	fprintf(stderr, "bench_evict: %s\n", what);
	exit(1);
}

static bool object_get(struct bench *b, uint32_t object, uint32_t size)
{
	if (rawcache_lookup(b->cache, &object, sizeof(object), buffer, sizeof(buffer)) ==
	    (ssize_t)size)
		return true;
	rawcache_store(b->cache, &object, sizeof(object), buffer, size, 0);
	return false;
}

/* Opened, read and closed again, as programs do; long enough ago that it is cached at once. */
static bool file_get(struct bench *b, uint32_t object, uint32_t size)
{
	struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	char path[600];
	uint64_t file = 0;
	bool hit = false;
	struct statx stx;
	int fd;

	snprintf(path, sizeof(path), "%s/%u", b->dir, object);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, size) || futimens(fd, old))
			fail("no file");
	}
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx))
		fail("statx");
	if (!rawcache_file_open(b->cache, fd, path, &stx, &file, NULL)) {
		hit = rawcache_file_cached(b->cache, file, 0, size) == size;
		rawcache_file_read(b->cache, file, fd, buffer, sizeof(buffer), 0);
		rawcache_file_put(b->cache, file);
	}
	close(fd);
	return hit;
}

static void cache_begin(struct bench *b)
{
	struct rawcache_format_options format;
	struct rawcache_options options;
	char text[256];

	rawcache_format_options_init(&format, sizeof(format));
	format.size = b->size;
	format.region_size = b->region;
	format.force = true;
	if (rawcache_image_format(b->image, &format, text, sizeof(text)))
		fail(text);
	rawcache_options_init(&options, sizeof(options));
	options.device = b->image;
	options.runtime_dir = b->dir; /* goes with it */
	options.settle_ms = 0;
	if (rawcache_attach(&options, &b->cache, NULL))
		fail("the image cannot be attached");
}

static double used_share(struct bench *b)
{
	struct rawcache_image_info info;

	if (rawcache_info(b->cache, &info, sizeof(info)))
		fail("the image cannot be looked at");
	return (double)info.used_bytes / (double)b->size;
}

static struct ratio policy_engine(struct bench *b, const struct trace *trace)
{
	struct ratio ratio = { 0 };
	double used = 0;
	unsigned int looks = 0;

	cache_begin(b);
	for (size_t i = 0; i < trace->count; i++) {
		uint32_t object = trace->request[i];
		bool hit = b->files ? file_get(b, object, trace->size[object]) :
				      object_get(b, object, trace->size[object]);

		ratio_count(trace, &ratio, i, hit);
		if (i >= trace->skip && i % USED_EVERY == 0) {
			used += used_share(b);
			looks++;
		}
	}
	b->used = looks ? used / looks : 0;
	rawcache_stats_total(b->cache, &b->stats, sizeof(b->stats));
	rawcache_detach(b->cache);
	return ratio;
}

static void report(const struct bench *b, const char *shape, const char *policy, struct ratio ratio,
		   double moved, double used)
{
	double percent = ratio.asked ? 100.0 * (double)ratio.hit / (double)ratio.asked : 0;

	printf(b->json ? "{\"bench\":\"evict\",\"shape\":\"%s\",\"policy\":\"%s\",\"percent\":%.1f,"
			 "\"moved\":%.2f,\"used\":%.3f}\n" :
			 "%-8s %-10s %6.1f %%  moved %.2f  used %.3f\n",
	       shape, policy, percent, moved, used);
	fflush(stdout);
}

static void shape_run(struct bench *b, const char *shape)
{
	struct trace *trace = trace_make(shape, b->size, b->requests);
	struct ratio engine;

	if (!trace)
		fail("no such shape");
	report(b, shape, "lru", policy_lru(trace, b->size), 0, 1);
	report(b, shape, "s3-fifo", policy_s3fifo(trace, b->size), 0, 1);
	report(b, shape, "belady", policy_belady(trace, b->size), 0, 1);
	engine = policy_engine(b, trace);
	report(b, shape, "rawcache", engine,
	       b->stats.fill_bytes ?
		       (double)b->stats.reinserted_bytes / (double)b->stats.fill_bytes :
		       0,
	       b->used);
	trace_free(trace);
}

static void options_parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "files", no_argument, NULL, 'f' },
		{ "region", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "requests", required_argument, NULL, 'n' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			b->json = true;
		else if (c == 'f')
			b->files = true;
		else if (c == 'r')
			b->region = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 's')
			b->size = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			b->requests = (uint32_t)strtoul(optarg, NULL, 10);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	static char *const all[] = { "zipf", "loop", "moving" };
	struct bench b = { .size = SIZE_DEFAULT, .requests = REQUESTS_DEFAULT };
	char *slash;

	options_parse(&b, argc, argv);
	if (optind == argc)
		return 2;
	b.image = argv[optind++];
	snprintf(b.dir, sizeof(b.dir), "%s", b.image);
	slash = strrchr(b.dir, '/');
	if (!slash)
		return 2;
	snprintf(slash, sizeof(b.dir) - (size_t)(slash - b.dir), "/files");
	mkdir(b.dir, 0700);
	memset(buffer, 'x', sizeof(buffer));
	for (int i = optind; i < argc; i++)
		shape_run(&b, argv[i]);
	for (size_t i = 0; optind == argc && i < sizeof(all) / sizeof(*all); i++)
		shape_run(&b, all[i]);
	return 0;
}
