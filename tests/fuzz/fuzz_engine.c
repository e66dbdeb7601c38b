/* SPDX-License-Identifier: MIT */
#include "fuzz_engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../pattern.h"
#include "../support.h"
#include "core/shared/flight.h"
#include "core/index/index.h"
#include "core/shared/process.h"
#include "core/space/region.h"
#include "fuzz.h"
#include "cut.h"

static char path[512];

struct rawcache *fuzz_cache(void)
{
	static struct rawcache *cache;

	if (cache)
		return cache;
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	image_make(scratch_path("image"), TEST_IMAGE_BYTES);
	snprintf(path, sizeof(path), "%s", scratch_path("data"));
	file_write(path, 1, 1, FUZZ_FILE_BYTES);
	usleep(40000);
	cache = attach(scratch_path("image"));
	return cache;
}

const char *fuzz_path(void)
{
	return path;
}

static void use_file(struct rawcache *cache, bool check)
{
	static char buf[FUZZ_FILE_BYTES];
	int fd = open_or_die(path, O_RDONLY);
	uint64_t file = 0;

	if (!file_open_fd(cache, fd, &file)) {
		for (uint64_t at = 0; at < FUZZ_FILE_BYTES; at += 100000) {
			ssize_t n = rawcache_file_read(cache, file, fd, buf, 5000, at);

			if (check && (n != 5000 || pattern_check(buf, 5000, 1, 1, 1, at) != 5000))
				abort();
		}
		rawcache_file_put(cache, file);
	}
	close(fd);
}

static bool visit(void *arg, const struct key *key, const struct found *found)
{
	struct rawcache *cache = arg;

	if (found->page >= cache->image.total_pages || !found->length ||
	    (found->page & (cache->image.region_pages - 1)) +
			    (found->length + FORMAT_PAGE - 1) / FORMAT_PAGE >
		    cache->image.region_pages)
		abort();
	(void)key;
	return true;
}

void fuzz_use(struct rawcache *cache, bool check)
{
	struct rawcache_process rows[4];
	struct rawcache_image_info info;
	struct rawcache_stats stats;
	struct extent extent;
	uint64_t stale = 0;
	uint64_t broken = 0;

	index_walk(cache, visit, cache, &stale, &broken);
	use_file(cache, check);
	for (int i = 0; i < 3; i++)
		if (!region_alloc(cache, REGION_PROBATION, cache->image.region_pages / 2, &extent))
			region_release(cache, &extent);
	use_file(cache, check);
	rawcache_info(cache, &info, sizeof(info));
	rawcache_stats_total(cache, &stats, sizeof(stats));
	rawcache_stats_processes(cache, rows, sizeof(*rows), 4);
}
