/* SPDX-License-Identifier: MIT */
/* Writing to the image: what is on its way to the disk is bounded. */
#include "unit/unit.h"

#include <errno.h>
#include <sys/syscall.h>

#include "core/shared/storage.h"

#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif
#define IMAGE_BYTES (UINT64_C(320) << 20)
#define PIECE (256u << 10)
/* docs/design/filling.md: "A cache disk that loses what it took" */
#define BOUND (UINT64_C(32) << 20)
#define SLACK (UINT64_C(4) << 20) /* a MiB that is not full yet, metadata */

static struct rawcache *cache;

static int setup(void **state)
{
	(void)state;
	image_make(scratch_path("storage.image"), IMAGE_BYTES);
	cache = attach(scratch_path("storage.image"));
	/* what formatting wrote is not what is measured */
	return fsync(cache->image.fd);
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

/* Bytes of the image that are dirty or being written; see cachestat(2). */
static uint64_t dirty_bytes(void)
{
	uint64_t span[2] = { 0, 0 };
	uint64_t stat[5] = { 0 };

	if (syscall(__NR_cachestat, cache->image.fd, span, stat, 0))
		die("cachestat: %s", strerror(errno));
	return (stat[1] + stat[2]) * 4096;
}

/* As a storing thread does, at the speed of memory. */
static void test_bound(void **state)
{
	static char buf[PIECE];
	uint32_t pages = PIECE / 4096;
	uint64_t most = 0;

	(void)state;
	memset(buf, 'w', sizeof(buf));
	for (uint32_t page = 0; page + pages <= cache->image.total_pages; page += pages) {
		storage_bound(cache);
		assert_int_equal(storage_write(cache, page, buf, PIECE), 0);
		most = dirty_bytes() > most ? dirty_bytes() : most;
	}
	print_message("# %u MiB written, at most %u MiB behind\n",
		      (unsigned int)(cache->image.total_pages >> 8), (unsigned int)(most >> 20));
	assert_in_range(most, PIECE, BOUND + SLACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
