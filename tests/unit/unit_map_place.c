/* SPDX-License-Identifier: MIT */
/* The image's pages are mapped below the origin's, if there is room; then both are unmapped by one call. */
#include "unit/limits.h"

#include <sys/mman.h>

#include "core/shared/cache.h"

#define WHOLE ((SIZE + 4095) & ~4095u)

static char *origin_at;

/* The file, mapped from the image in several stretches; with nothing below the origin's mapping, or a page of ours. */
static char *map_stretches(struct rawcache *cache, uint64_t file, int fd, bool page_below)
{
	char *room = mmap(NULL, 3 * WHOLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at = room + 2 * WHOLE;

	origin_at = at;
	if (room == MAP_FAILED || mmap(at, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != at ||
	    munmap(room, WHOLE + WHOLE / 2 / 4096 * 4096) ||
	    (!page_below && munmap(room + WHOLE, WHOLE)) ||
	    rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE, 0) != SIZE ||
	    at == origin_at || pattern_check(at, SIZE, 1, 1, 1, 0) != SIZE)
		return NULL;
	return at;
}

static bool is_mapped(const char *p)
{
	unsigned char in;

	return !mincore((void *)p, 4096, &in);
}

static int body_below(void)
{
	struct rawcache *cache = attach(limits_image);
	uint64_t file;
	void *taken;
	char *p;
	int fd;

	cache->options.io = RAWCACHE_IO_SYNC;
	file = file_open_path(cache, limits_data, &fd);
	for (int chunk = 4; chunk >= 0; chunk--)
		if (!file_read_right(cache, file, fd, 1, 12000, (uint64_t)chunk << 18))
			return 1;
	p = map_stretches(cache, file, fd, false);
	if (!p || p + WHOLE != origin_at)
		return 2;
	/* a half of it needs the origin's pages no more, the other half does */
	taken = rawcache_maps_take(cache, p, WHOLE / 2 / 4096 * 4096);
	if (rawcache_maps_behind(taken, origin_at))
		return 3;
	rawcache_maps_put(cache, taken, 0);
	taken = rawcache_maps_take(cache, p, SIZE);
	if (rawcache_maps_behind(taken, p + SIZE) != WHOLE || munmap(p, 2 * WHOLE))
		return 4;
	/* another's by now: nothing must be unmapped there */
	if (mmap(origin_at, WHOLE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		return 77;
	rawcache_maps_drop(cache, taken);
	if (!is_mapped(origin_at) || munmap(origin_at, WHOLE))
		return 5;
	p = map_stretches(cache, file, fd, true);
	if (!p || p + WHOLE == origin_at)
		return 6;
	taken = rawcache_maps_take(cache, p, SIZE);
	if (rawcache_maps_behind(taken, p + SIZE))
		return 7;
	munmap(p, SIZE);
	rawcache_maps_drop(cache, taken);
	return is_mapped(origin_at) ? 8 : 0;
}

static void test_below(void **state)
{
	(void)state;
	assert_in_child(body_below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_below, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
