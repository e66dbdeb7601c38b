/* SPDX-License-Identifier: MIT */
/* More processes, files and memory than there may be: the cache is used or refused, and nothing breaks. */
#include "unit/limits.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "core/origin/opens_queue.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"

/* More processes than slots: the rest is refused, and told why; places come free again. */
/* Of many real processes: how many have a cache, have none, and have read something wrong. */
static struct crowd {
	uint32_t with, without, wrong;
} * crowd;

/* All of them live at one time: until the pipe is closed. */
static int body_crowd(int pipe_end)
{
	enum rawcache_reason reason;
	struct rawcache *cache = NULL;
	int err = attach_in(NULL, &cache, &reason);
	char c;

	if (!err)
		err = !read_ok(cache);
	else
		err = err != -EAGAIN || reason != RAWCACHE_REASON_slots_full;
	fetch_add(err ? &crowd->wrong : cache ? &crowd->with : &crowd->without, 1);
	if (read(pipe_end, &c, 1) || (cache && !read_ok(cache)))
		return 1;
	rawcache_detach(cache);
	return err;
}

/* RAWCACHE_TESTS_FULL=1: more than there are slots. */
static void test_crowd(void **state)
{
	unsigned int count = getenv("RAWCACHE_TESTS_FULL") ? RUNTIME_SLOTS + 76 : 60;
	unsigned int slots = count < RUNTIME_SLOTS ? count : RUNTIME_SLOTS;
	pid_t *pids = calloc(count, sizeof(*pids));
	struct rawcache *cache;
	int ends[2];

	(void)state;
	crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_int_equal(pipe(ends), 0);
	for (unsigned int i = 0; i < count; i++) {
		pids[i] = child_fork();
		if (!pids[i]) {
			close(ends[1]);
			_exit(body_crowd(ends[0]));
		}
	}
	for (int i = 0; i < 20000 && crowd->with + crowd->without + crowd->wrong < count; i++)
		usleep(10000);
	close(ends[1]);
	for (unsigned int i = 0; i < count; i++)
		crowd->wrong += child_end(pids[i], 60) != 0;
	close(ends[0]);
	assert_int_equal(crowd->wrong, 0);
	assert_int_equal(crowd->with, slots);
	assert_int_equal(crowd->without, count - slots);
	cache = attach(limits_image);
	assert_int_equal(process_reap(cache), 1);
	assert_true(read_ok(cache));
	rawcache_detach(cache);
	munmap(crowd, sizeof(*crowd));
	free(pids);
}

static void test_many(void **state)
{
	pid_t pids[HOLDERS];
	enum rawcache_reason reason;
	struct rawcache *cache = NULL;

	(void)state;
	for (unsigned int i = 0; i < HOLDERS; i++)
		pids[i] = child_start(body_attach, NULL);
	assert_int_equal(attach_in(NULL, &cache, &reason), -EAGAIN);
	assert_int_equal(reason, RAWCACHE_REASON_slots_full);
	child_kill(pids[7]);
	assert_int_equal(attach_in(NULL, &cache, &reason), 0);
	assert_int_equal(process_reap(cache), RUNTIME_SLOTS - SLOTS_EACH + 1);
	for (unsigned int i = 0; i < HOLDERS; i++)
		if (i != 7)
			child_kill(pids[i]);
	assert_int_equal(process_reap(cache), 1);
	assert_true(read_ok(cache));
	rawcache_detach(cache);
}

static int body_files(rlim_t files)
{
	struct rlimit limit = { files, files };
	struct rawcache *cache = NULL;
	bool ok;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 77;
	if (attach_in(NULL, &cache, NULL))
		return files > 16; /* few of them are reason enough to do without */
	ok = read_ok(cache) && read_ok(cache);
	rawcache_detach(cache);
	return !ok;
}

static int body_files_3(void)
{
	return body_files(3);
}

static int body_files_12(void)
{
	return body_files(12);
}

static int body_files_64(void)
{
	return body_files(64);
}

static int body_files_huge(void)
{
	struct rlimit limit;
	int result = body_files(1 << 30);

	/* as much as may be had here: the hard limit, where it cannot be raised */
	if (result == 77)
		result = body_files(1 << 20);
	if (result == 77 && !getrlimit(RLIMIT_NOFILE, &limit))
		result = body_files((int)limit.rlim_max);
	return result;
}

static void test_few_files(void **state)
{
	(void)state;
	assert_in_child(body_files_3);
	assert_in_child(body_files_12);
	assert_in_child(body_files_64);
}

static void test_many_files(void **state)
{
	(void)state;
	assert_in_child(body_files_huge);
}

/* The address space does not hold the data, or nothing at all. */
static int body_space(void)
{
	for (rlim_t space = 12u << 20; space < (64u << 20); space += 2u << 20) {
		struct rlimit limit = { space, RLIM_INFINITY };
		struct rawcache *cache = NULL;

		if (setrlimit(RLIMIT_AS, &limit))
			return 77;
		if (attach_in(NULL, &cache, NULL))
			continue;
		if (!read_ok(cache) || !read_ok(cache))
			return 1;
		rawcache_detach(cache);
	}
	return 0;
}

static void test_address_space(void **state)
{
	(void)state;
	assert_in_child(body_space);
}

/* Files opened ahead: the more processes, the fewer each; none where the others cannot be counted, or are too many. */
static void test_opened_ahead(void **state)
{
	static struct runtime_header header;
	static struct process_slot slots[400];
	static struct rawcache cache;

	(void)state;
	assert_int_equal(opens_limit(&cache), 0);
	cache.runtime.header = &header;
	cache.runtime.slots = slots;
	assert_int_equal(opens_limit(&cache), 512);
	header.slots_high = 400;
	for (uint32_t i = 0; i < 255; i++)
		slots[i].used = 1;
	assert_int_equal(opens_limit(&cache), 2);
	for (uint32_t i = 255; i < 400; i++)
		slots[i].used = 1;
	assert_int_equal(opens_limit(&cache), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_crowd, limits_setup),
		cmocka_unit_test_setup(test_many, limits_setup),
		cmocka_unit_test_setup(test_few_files, limits_setup),
		cmocka_unit_test_setup(test_many_files, limits_setup),
		cmocka_unit_test_setup(test_address_space, limits_setup),
		cmocka_unit_test(test_opened_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
