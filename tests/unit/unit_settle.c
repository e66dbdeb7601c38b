/* SPDX-License-Identifier: MIT */
/* A file that changed a moment ago is not cached: the moment is told by the clock that file times come from. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <rawcache/embed.h>

#include "base/sys.h"

static int64_t ahead_s; /* how far the precise clock is ahead of the coarse one */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	if (clock == CLOCK_REALTIME)
		t->tv_sec += ahead_s;
	return result;
}

/* rawcache_file_open() of a file that was written just now. */
static int open_new(struct rawcache *cache, enum rawcache_reason *reason)
{
	const char *path = scratch_path("new");
	uint64_t file = RAWCACHE_NO_FILE;
	struct statx stx;
	int fd = open_or_die(path, O_RDWR | O_CREAT | O_TRUNC);
	int err;

	assert_int_equal(write(fd, "bytes", 5), 5);
	assert_int_equal(sys_fstatx(fd, &stx), 0);
	err = rawcache_file_open(cache, fd, path, &stx, &file, reason);
	if (!err)
		rawcache_file_put(cache, file);
	close(fd);
	return err;
}

/*
 * The coarse clock stands still while a tick is late, as in a virtual machine that waits for a processor. Files that
 * are written meanwhile have the time of the last tick, and so has the next change of them.
 */
static void test_late_tick(void **unused)
{
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	struct rawcache *cache;

	(void)unused;
	image_make(scratch_path("settle.image"), TEST_IMAGE_BYTES);
	cache = attach(scratch_path("settle.image"));
	ahead_s = 10;
	assert_int_equal(open_new(cache, &reason), -EAGAIN);
	assert_int_equal(reason, RAWCACHE_REASON_unsettled);
	ahead_s = 0;
	rawcache_detach(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
