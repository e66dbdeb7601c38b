/* SPDX-License-Identifier: MIT */
/* The parsers and the small tools of src/base. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/config.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/size.h"
#include "base/stats.h"

static void test_size_parse(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t size;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "1KiB", 0, 1024 },
		{ "1KB", 0, 1024 },
		{ "512B", 0, 512 },
		{ "10G", 0, UINT64_C(10) << 30 },
		{ "3T", 0, UINT64_C(3) << 40 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "16777216T", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1KK", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1i", -EINVAL, 0 },
		{ "1Ki", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t size = 0;

		assert_int_equal(size_parse(cases[i].text, &size), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(size, cases[i].size);
	}
}

static void test_milli_parse(void **state)
{
	uint64_t milli;

	(void)state;
	assert_int_equal(milli_parse("2", &milli), 0);
	assert_int_equal(milli, 2000);
	assert_int_equal(milli_parse("0.5", &milli), 0);
	assert_int_equal(milli, 500);
	assert_int_equal(milli_parse("1.125", &milli), 0);
	assert_int_equal(milli, 1125);
	assert_int_equal(milli_parse("1.1251", &milli), -EINVAL);
	assert_int_equal(milli_parse("", &milli), -EINVAL);
	assert_int_equal(milli_parse(".5", &milli), -EINVAL);
	assert_int_equal(milli_parse("99999999999", &milli), -ERANGE);
}

static void test_size_format(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(size_format(512, buf, sizeof(buf)), "512");
	assert_string_equal(size_format(65536, buf, sizeof(buf)), "64K");
	assert_string_equal(size_format(1536u << 20, buf, sizeof(buf)), "1.5G");
	assert_string_equal(size_format(UINT64_MAX, buf, sizeof(buf)), "16383.9P");
}

static void test_paths(void **state)
{
	const char *list = "/data:!/data/private:/data/private/ok:/srv/";
	const char *why;

	(void)state;
	assert_int_equal(paths_match(list, "/data"), PATH_INSIDE);
	assert_int_equal(paths_match(list, "/data/x"), PATH_INSIDE);
	assert_int_equal(paths_match(list, "/database"), PATH_OUTSIDE);
	assert_int_equal(paths_match(list, "/data/private"), PATH_EXCLUDED);
	assert_int_equal(paths_match(list, "/data/private/x"), PATH_EXCLUDED);
	assert_int_equal(paths_match(list, "/data/privately"), PATH_INSIDE);
	assert_int_equal(paths_match(list, "/data/private/ok/x"), PATH_INSIDE);
	assert_int_equal(paths_match(list, "/srv/x"), PATH_INSIDE);
	assert_int_equal(paths_match("/", "/anything"), PATH_INSIDE);
	assert_int_equal(paths_match("", "/anything"), PATH_OUTSIDE);
	assert_int_equal(paths_match(NULL, "/anything"), PATH_OUTSIDE);
	assert_int_equal(paths_match(list, ""), PATH_OUTSIDE);
	assert_int_equal(paths_check(list, &why), 0);
	assert_int_equal(paths_check("data", &why), -EINVAL);
	assert_int_equal(paths_check("/a::/b", &why), -EINVAL);
	assert_int_equal(paths_check("/a:!", &why), -EINVAL);
	assert_int_equal(paths_check("/a:!b", &why), -EINVAL);
}

static int complaints;
static char complained[64];

static void complain(void *arg, const char *name, const char *value, const char *why)
{
	(void)arg;
	(void)value;
	assert_non_null(why);
	complaints++;
	snprintf(complained, sizeof(complained), "%s", name);
}

static void test_config(void **state)
{
	struct config config;

	(void)state;
	setenv("RAWCACHE_PATHS", "/a:!/a/b", 1);
	setenv("RAWCACHE_TTL", "1.5", 1);
	setenv("RAWCACHE_SETTLE", "0.25", 1);
	setenv("RAWCACHE_VERIFY", "always", 1);
	setenv("RAWCACHE_REVALIDATE", "100", 1);
	assert_int_equal(config_load(&config, complain, NULL), 0);
	assert_string_equal(config.paths, "/a:!/a/b");
	assert_int_equal(config.ttl, 2);
	assert_int_equal(config.settle_ms, 250);
	assert_int_equal(config.verify, RAWCACHE_VERIFY_ALWAYS);
	assert_int_equal(config.revalidate_ms, 100);
	assert_int_equal(config.mmap_threshold, RAWCACHE_AUTO);
	config_free(&config);

	/* a bad value is reported and leaves the default */
	setenv("RAWCACHE_VERIFY", "perhaps", 1);
	setenv("RAWCACHE_SETTLE", "soon", 1);
	complaints = 0;
	assert_int_equal(config_load(&config, complain, NULL), 2);
	assert_int_equal(complaints, 2);
	assert_int_equal(config.verify, RAWCACHE_VERIFY_BOOT);
	assert_int_equal(config.settle_ms, 2000);
	config_free(&config);
	/* an empty one is none */
	setenv("RAWCACHE_VERIFY", "", 1);
	setenv("RAWCACHE_SETTLE", "", 1);
	assert_int_equal(config_load(&config, complain, NULL), 0);
	assert_int_equal(config.verify, RAWCACHE_VERIFY_BOOT);
	assert_int_equal(config.settle_ms, 2000);
	config_free(&config);
	unsetenv("RAWCACHE_VERIFY");
	unsetenv("RAWCACHE_SETTLE");
}

static void test_config_unknown(void **state)
{
	(void)state;
	setenv("RAWCACHE_PATH", "/a", 1);
	complaints = 0;
	assert_int_equal(config_report_unknown(complain, NULL), 1);
	assert_int_equal(complaints, 1);
	assert_string_equal(complained, "RAWCACHE_PATH");
	unsetenv("RAWCACHE_PATH");
}

static void test_checked(void **state)
{
	(void)state;
	assert_true(range_inside(0, 10, 10));
	assert_false(range_inside(1, 10, 10));
	assert_false(range_inside(UINT64_MAX, 2, 10));
	assert_false(range_inside(5, UINT64_MAX, 10));
	assert_true(is_power_of_two(4096));
	assert_false(is_power_of_two(0));
	assert_int_equal(log2_floor(1), 0);
	assert_int_equal(log2_floor(4097), 12);
	assert_int_equal(round_up(4097, 4096), 8192);
}

/* Every duration counts in the bucket below whose limit it lies. */
static void test_latency(void **state)
{
	struct rawcache_latency latency;

	(void)state;
	for (uint64_t ns = 1; ns < UINT64_C(1) << 33; ns = ns * 5 / 4 + 1) {
		uint64_t limit;

		memset(&latency, 0, sizeof(latency));
		latency.bucket[stats_latency_bucket(ns)] = 1;
		limit = rawcache_latency_percentile(&latency, 50);
		assert_true(ns < limit || stats_latency_bucket(ns) == RAWCACHE_LATENCY_BUCKETS - 1);
		assert_true(limit <= 16 || ns * 3 / 2 + 1 >= limit * 2 / 3);
	}
	memset(&latency, 0, sizeof(latency));
	assert_int_equal(rawcache_latency_percentile(&latency, 99), 0);
}

static void test_memory(void **state)
{
	char *small = memory_get(100);
	char *large = memory_get(200000);

	(void)state;
	assert_non_null(small);
	assert_non_null(large);
	memset(small, 1, 100);
	memset(large, 1, 200000);
	memory_put(small, 100);
	memory_put(large, 200000);
	small = memory_get(100);
	large = memory_get(200000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(small[i], 0);
	for (int i = 0; i < 200000; i++)
		assert_int_equal(large[i], 0);
	assert_int_equal((uintptr_t)memory_get(4096) % 4096, 0);
	assert_null(memory_get((size_t)1 << 62));
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	guard_fault(info->si_addr);
	signal(sig, SIG_DFL);
}

/* Large blocks read as zeros when they come again, in memory that cannot be given back, too. */
static void test_memory_locked(void **state)
{
	char *block;

	(void)state;
	if (mlockall(MCL_FUTURE | MCL_ONFAULT))
		skip();
	block = memory_get(200000);
	assert_non_null(block);
	memset(block, 0xff, 200000);
	memory_put(block, 200000);
	munlockall();
	assert_ptr_equal(memory_get(200000), block);
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(block[i], 0);
	memory_put(block, 200000);
}

static void test_guard(void **state)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old[2];
	char *bad = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *half = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char good[8192];

	(void)state;
	mprotect(half + 4096, 4096, PROT_NONE);
	sigaction(SIGSEGV, &action, &old[0]);
	sigaction(SIGBUS, &action, &old[1]);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(guard_copy(bad, good, 100), -EFAULT);
		assert_int_equal(guard_copy(good, bad, 100), -EIO);
		assert_int_equal(guard_copy(half + 4000, good, 200), -EFAULT);
		assert_int_equal(guard_copy(good, half + 4000, 200), -EIO);
		assert_int_equal(guard_copy(half, good, 4096), 0);
	}
	/* not ours: the handler is told so */
	assert_false(guard_fault(bad));
	assert_int_equal(guard_copy((void *)-50, good, 100), -EFAULT);
	assert_int_equal(guard_copy((void *)(UINTPTR_MAX >> 8), good, 100), -EFAULT);
	assert_int_equal(guard_copy(good, (void *)-50, 100), -EIO);
	assert_false(guard_same((void *)-50, good, 100));
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
	munmap(bad, 8192);
	munmap(half, 8192);
}

/* The mapping of a file that was cut short. */
static void test_guard_truncated(void **state)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;
	int fd = memfd_create("test", MFD_CLOEXEC);
	static char good[4096];
	char *map;

	(void)state;
	assert_int_equal(ftruncate(fd, 8192), 0);
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	sigaction(SIGBUS, &action, &old);
	assert_int_equal(guard_copy(good, map, 4096), 0);
	assert_int_equal(guard_copy(good, map + 4096, 4096), -EIO);
	sigaction(SIGBUS, &old, NULL);
	munmap(map, 8192);
	close(fd);
}

/* A read that asks for more than a buffer has room for writes nowhere else. */
static void test_buffer_end(void **state)
{
	static const char bytes[8192];
	char *buffers[3];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++) {
		ssize_t n;

		buffers[i] = buffer_get();
		assert_non_null(buffers[i]);
		memset(buffers[i], 0, BUFFER_BYTES);
		assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
		n = read(ends[0], buffers[i] + BUFFER_BYTES - 4096, 8192);
		assert_true(n == 4096 || (n < 0 && errno == EFAULT));
		if (n > 0)
			assert_int_equal(read(ends[0], buffers[i], 4096), 4096);
	}
	for (int i = 0; i < 3; i++)
		buffer_put(buffers[i]);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_parse),  cmocka_unit_test(test_milli_parse),
		cmocka_unit_test(test_size_format), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_config),	    cmocka_unit_test(test_config_unknown),
		cmocka_unit_test(test_checked),	    cmocka_unit_test(test_latency),
		cmocka_unit_test(test_memory),	    cmocka_unit_test(test_memory_locked),
		cmocka_unit_test(test_guard),	    cmocka_unit_test(test_guard_truncated),
		cmocka_unit_test(test_buffer_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
