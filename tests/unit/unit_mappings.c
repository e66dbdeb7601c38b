/* SPDX-License-Identifier: MIT */
/* Mappings where a program is limited in what it may map, lock or execute, or leaves in the middle. */
#include "unit/limits.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "core/shared/cache.h"

/* More pieces than a process may have: what is left out is the origin's, and what goes makes room. */
static int body_pieces(void)
{
	struct rawcache *cache;
	uint64_t file;
	int32_t before;
	void *taken;
	void *at;
	char *p;
	int fd;

	/* behind each other in the file, not on the image */
	cache = attach(limits_image);
	cache->options.io = RAWCACHE_IO_SYNC;
	file = file_open_path(cache, limits_data, &fd);
	for (int chunk = 3; chunk >= 0; chunk--)
		if (!file_read_right(cache, file, fd, 1, 100000, (uint64_t)chunk << 18))
			return 1;
	before = cache->maps.room;
	for (int32_t room = 0; room < 5; room++) {
		cache->maps.room = room;
		at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at == MAP_FAILED)
			return 2;
		rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
				  0);
		p = at;
		if (pattern_check(p, SIZE, 1, 1, 1, 0) != SIZE)
			return 2;
		if (cache->maps.room < 0 || (room == 1 && cache->maps.room))
			return 3;
		taken = rawcache_maps_take(cache, p, SIZE);
		munmap(p, SIZE);
		rawcache_maps_drop(cache, taken);
		if (cache->maps.room != room)
			return 4;
	}
	return before < 1000 ? 5 : 0;
}

static void test_pieces(void **state)
{
	(void)state;
	assert_in_child(body_pieces);
}

/* Faults of a page that was replaced are ours, again and again; those of the program's own are not. */
static int body_faults(void)
{
	struct rawcache *cache = attach(limits_image);
	const size_t step = 2u << 20;
	char *base = mmap(NULL, 3 * step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at[3], *taken;
	uint64_t file;
	int fd;

	file = file_open_path(cache, limits_data, &fd);
	if (!file_read_right(cache, file, fd, 1, SIZE, 0))
		return 1;
	rawcache_settle();
	for (int i = 0; i < 3; i++) {
		at[i] = mmap(base + i * step, SIZE, PROT_READ,
			     MAP_PRIVATE | MAP_FIXED | (i == 1 ? MAP_ANONYMOUS : 0),
			     i == 1 ? -1 : fd, 0);
		if (i != 1 && rawcache_file_map(cache, file, fd, &at[i], SIZE, PROT_READ,
						MAP_PRIVATE | MAP_FIXED, 0) != SIZE)
			return 2;
	}
	if (!rawcache_maps_touch(cache, at[1], 1) || rawcache_maps_fault(at[1]))
		return 3;
	if (!rawcache_maps_fault(at[0]) || !rawcache_maps_fault(at[0]) ||
	    pattern_check(at[0], SIZE, 1, 1, 1, 0) != SIZE)
		return 4;
	taken = rawcache_maps_take(cache, at[0], SIZE);
	rawcache_maps_drop(cache, taken);
	return rawcache_maps_fault(at[0]) ? 5 : 0;
}

static void test_faults(void **state)
{
	(void)state;
	assert_in_child(body_faults);
}

/* --- a mapping that is left by siglongjmp() while something is fetched */

#define LEFT_FILES 16

static sigjmp_buf left;
static volatile sig_atomic_t mapping;

static void on_alarm(int sig)
{
	(void)sig;
	if (mapping)
		siglongjmp(left, 1);
}

/* Map the file, and perhaps be interrupted: whether it was left. */
static bool map_and_leave(struct rawcache *cache, const char *path, suseconds_t after)
{
	const struct itimerval alarm = { { 0, 0 }, { 0, after } };
	const struct itimerval none = { { 0, 0 }, { 0, 0 } };
	static void *at; /* changes when it is mapped elsewhere, even if it is left right then */
	static uint64_t file;
	static int fd;
	void *taken;
	volatile bool gone = true;

	file = file_open_path(cache, path, &fd);
	at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!sigsetjmp(left, 1)) {
		mapping = 1;
		setitimer(ITIMER_REAL, &alarm, NULL);
		rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE, 0);
		gone = false;
	}
	mapping = 0;
	setitimer(ITIMER_REAL, &none, NULL);
	if (gone)
		rawcache_thread_recover();
	taken = rawcache_maps_take(cache, at, SIZE);
	munmap(at, SIZE);
	rawcache_maps_drop(cache, taken);
	rawcache_file_put(cache, file);
	close(fd);
	return gone;
}

static int body_left(void)
{
	struct rawcache *cache = attach(limits_image);
	int32_t room = cache->maps.room;
	char paths[LEFT_FILES][600];
	int count = 0;

	signal(SIGALRM, on_alarm);
	for (int i = 0; i < LEFT_FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s.%d", limits_data, i);
		file_write(paths[i], 1, 1, SIZE);
	}
	usleep(40000);
	for (int i = 0; i < LEFT_FILES; i++)
		count += map_and_leave(cache, paths[i], 200 + i * 150);
	printf("# %d of %d were left\n", count, LEFT_FILES);
	fflush(stdout);
	for (int i = 0; i < LEFT_FILES; i++)
		unlink(paths[i]);
	return cache->maps.room != room ? 1 : cache->holds[HOLD_ALL].bits != 0 ? 2 : 0;
}

static void test_left(void **state)
{
	(void)state;
	assert_in_child(body_left);
}

/* --- mounts that forbid to execute */

static int noexec_at(const char *dir)
{
	mkdir(dir, 0700);
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("tmpfs", dir, "tmpfs", MS_NOEXEC, "size=200m");
}

/* mprotect() of a mapping of `path` as the shim does it: an error as the kernel's for the file itself. */
static int executes(struct rawcache *cache, const char *path)
{
	uint64_t file;
	void *at;
	int fd, err;

	file = file_open_path(cache, path, &fd);
	if (!file_read_right(cache, file, fd, 1, SIZE, 0))
		return -1;
	rawcache_settle();
	at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE, 0) != SIZE)
		return -2;
	err = rawcache_maps_protect(cache, at, 8192, PROT_READ | PROT_EXEC);
	if (!err && mprotect(at, 8192, PROT_READ | PROT_EXEC))
		err = -errno;
	return pattern_check(at, SIZE, 1, 1, 1, 0) == SIZE ? err : -3;
}

static int body_image_noexec(void)
{
	const char *dir = scratch_path("noexec");

	if (noexec_at(dir))
		return 77;
	snprintf(limits_image, sizeof(limits_image), "%s/image", dir);
	image_make(limits_image, TEST_IMAGE_BYTES);
	return executes(attach(limits_image), limits_data);
}

static int body_origin_noexec(void)
{
	const char *dir = scratch_path("noexec");
	char path[600];

	if (noexec_at(dir))
		return 77;
	snprintf(path, sizeof(path), "%s/data", dir);
	file_write(path, 1, 1, SIZE);
	usleep(40000);
	return executes(attach(limits_image), path) != -EACCES;
}

static void test_noexec(void **state)
{
	(void)state;
	assert_in_child(body_image_noexec);
	assert_in_child(body_origin_noexec);
}

/* --- a limited address space has room for what the program maps, once */

static int body_spares(void)
{
	struct rawcache *cache = attach(limits_image);
	struct rlimit limit = { 0, RLIM_INFINITY };
	long pages = 0;
	FILE *statm;
	uint64_t file;
	void *at;
	int fd;

	file = file_open_path(cache, limits_data, &fd);
	if (!file_read_right(cache, file, fd, 1, SIZE, 0))
		return 1;
	rawcache_settle();
	statm = fopen("/proc/self/statm", "r");
	if (!statm || fscanf(statm, "%ld", &pages) != 1 || fclose(statm))
		return 77;
	limit.rlim_cur = (rlim_t)pages * 4096 + 2 * SIZE + 300000;
	if (setrlimit(RLIMIT_AS, &limit))
		return 77;
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED || rawcache_file_map(cache, file, fd, &at, SIZE,
						  PROT_READ | PROT_WRITE, MAP_PRIVATE, 0) != SIZE)
		return 2;
	return mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 3 :
											       0;
}

static void test_spares(void **state)
{
	(void)state;
	assert_in_child(body_spares);
}

/* --- two threads in mlockall() */

static struct rawcache *locked;
static int inside[2], outside[2];

static bool data_visible(void)
{
	char c;

	return write(inside[1], locked->image.data, 1) == 1 && read(inside[0], &c, 1) == 1;
}

/* Stays in it until it is told. */
static int lock_slowly(int flags)
{
	char c;

	(void)flags;
	return write(inside[1], "x", 1) == 1 && read(outside[0], &c, 1) == 1 ? 0 : -1;
}

static void *locker(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)rawcache_lock_all(locked, lock_slowly, MCL_CURRENT);
}

static int lock_and_look(int flags)
{
	(void)flags;
	/* the other one leaves meanwhile */
	if (write(outside[1], "x", 1) != 1)
		return -1;
	usleep(100000);
	return data_visible() ? -1 : 0;
}

static int body_locks(void)
{
	pthread_t thread;
	char c;

	locked = attach(limits_image);
	if (pipe(inside) || pipe(outside) || !locked->image.data || !data_visible() ||
	    pthread_create(&thread, NULL, locker, NULL) || read(inside[0], &c, 1) != 1)
		return 1;
	if (rawcache_lock_all(locked, lock_and_look, MCL_CURRENT))
		return 2;
	pthread_join(thread, NULL);
	return data_visible() ? 0 : 3;
}

static void test_locks(void **state)
{
	(void)state;
	assert_in_child(body_locks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pieces, limits_setup),
		cmocka_unit_test_setup(test_faults, limits_setup),
		cmocka_unit_test_setup(test_left, limits_setup),
		cmocka_unit_test_setup(test_noexec, limits_setup),
		cmocka_unit_test_setup(test_spares, limits_setup),
		cmocka_unit_test_setup(test_locks, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
