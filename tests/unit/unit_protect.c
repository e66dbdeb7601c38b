/* SPDX-License-Identifier: MIT */
/* What a program has made of a mapping stays so when the origin's pages take the place of the image's. */
#include "unit/limits.h"

#include <pthread.h>
#include <sys/mman.h>

#include "core/shared/cache.h"
#include "core/zerocopy/recall.h"

/* All of the data, from the image; or NULL. */
static char *data_map(struct rawcache *cache)
{
	uint64_t file;
	void *at;
	int fd;

	file = file_open_path(cache, limits_data, &fd);
	if (!file_read_right(cache, file, fd, 1, SIZE, 0))
		return NULL;
	rawcache_settle();
	at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	return rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE, 0) == SIZE ?
		       at :
		       NULL;
}

/* --- a part with a protection of its own */

static bool readable(const char *p)
{
	int ends[2];
	bool can = !pipe(ends) && write(ends[1], p, 1) == 1;

	close(ends[0]);
	close(ends[1]);
	return can;
}

static int body_protected(void)
{
	const size_t page = 4096;
	struct rawcache *cache = attach(limits_image);
	char *p = data_map(cache);

	if (!p)
		return 1;
	if (rawcache_maps_protect(cache, p + 2 * page, page, PROT_NONE) ||
	    mprotect(p + 2 * page, page, PROT_NONE) || readable(p + 2 * page))
		return 3;
	recall_all(cache);
	if (!readable(p) || !readable(p + page) || !readable(p + 3 * page))
		return 4;
	if (readable(p + 2 * page))
		return 5;
	/* a thread that faulted right before finds that it may go on */
	if (!rawcache_maps_fault(p + page) || rawcache_maps_fault(p + 2 * page))
		return 6;
	rawcache_maps_drop(cache, rawcache_maps_take(cache, p, SIZE));
	return rawcache_maps_fault(p + page) ? 7 : 0;
}

static void test_protected(void **state)
{
	(void)state;
	assert_in_child(body_protected);
}

/* --- code that a thread executes at that time */

#define EXECUTED_ROUNDS 200

#if defined(__x86_64__)
static const uint32_t code_returns = 0xc3c3c3c3;
#else
static const uint32_t code_returns = 0xd65f03c0;
#endif

static void (*executed)(void);
static uint32_t executed_times;

static void *executor(void *arg)
{
	(void)arg;
	for (;;) {
		void (*function)(void) = load_acquire(&executed);

		if (function)
			function();
		fetch_add(&executed_times, 1);
	}
	return NULL;
}

static void executor_wait(void)
{
	uint32_t seen = load_acquire(&executed_times);

	while (load_acquire(&executed_times) - seen < 3)
		usleep(100);
}

static int body_executed(void)
{
	struct rawcache *cache = attach(limits_image);
	const char *path = scratch_path("code");
	static uint32_t code[1024];
	pthread_t thread;
	uint64_t file;
	void *at, *taken;
	int fd;

	for (size_t i = 0; i < 1024; i++)
		code[i] = code_returns;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, code, sizeof(code)) != sizeof(code) || close(fd))
		return 77;
	usleep(40000);
	file = file_open_path(cache, path, &fd);
	if (pthread_create(&thread, NULL, executor, NULL))
		return 77;
	for (int i = 0; i < EXECUTED_ROUNDS; i++) {
		at = mmap(NULL, sizeof(code), PROT_READ, MAP_PRIVATE, fd, 0);
		if (rawcache_file_map(cache, file, fd, &at, sizeof(code), PROT_READ, MAP_PRIVATE,
				      0) != sizeof(code))
			return 1;
		if (rawcache_maps_protect(cache, at, sizeof(code), PROT_READ | PROT_EXEC) ||
		    mprotect(at, sizeof(code), PROT_READ | PROT_EXEC))
			return 2;
		store_release(&executed, (void (*)(void))at);
		executor_wait();
		recall_all(cache);
		executor_wait();
		store_release(&executed, NULL);
		executor_wait();
		taken = rawcache_maps_take(cache, at, sizeof(code));
		munmap(at, sizeof(code));
		rawcache_maps_drop(cache, taken);
	}
	return 0;
}

static void test_executed(void **state)
{
	(void)state;
	assert_in_child(body_executed);
}

/* --- a part that was unmapped by a call that no hook saw, and has become something else */

static int body_unseen(void)
{
	const size_t part = 65536;
	struct rawcache *cache = attach(limits_image);
	char *p = data_map(cache);
	int fd;

	if (!p)
		return 1;
	if (munmap(p + part, 2 * part) ||
	    mmap(p + part, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) != p + part)
		return 3;
	memset(p + part, 'x', part);
	recall_all(cache);
	for (size_t i = 0; i < part; i++)
		if (p[part + i] != 'x')
			return 4;
	if (readable(p + 2 * part))
		return 5;
	if (pattern_check(p, part, 1, 1, 1, 0) != part ||
	    pattern_check(p + 3 * part, SIZE - 3 * part, 1, 1, 1, 3 * part) != SIZE - 3 * part)
		return 6;
	/* what is left of it has become the origin's */
	fd = open_or_die(limits_data, O_WRONLY);
	p[part] = 'y';
	return pwrite(fd, p + part, 1, 0) != 1 || p[0] != 'y' || cache->maps.root ? 7 : 0;
}

static void test_unseen(void **state)
{
	(void)state;
	assert_in_child(body_unseen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_protected, limits_setup),
		cmocka_unit_test_setup(test_executed, limits_setup),
		cmocka_unit_test_setup(test_unseen, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
