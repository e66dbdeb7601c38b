/* SPDX-License-Identifier: MIT */
/* Limits, strangers and containers: the cache is used or refused, and nothing breaks. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <rawcache/embed.h>

#include "child.h"
#include "core/shared/hold.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "pattern.h"

#define SIZE ((1u << 20) + 12345)

static char image[512];
static char data[512];

static int setup(void **state)
{
	(void)state;
	snprintf(image, sizeof(image), "%s", scratch_path("limits.image"));
	snprintf(data, sizeof(data), "%s", scratch_path("data"));
	unlink(image);
	image_make(image, TEST_IMAGE_BYTES);
	file_write(data, 1, 1, SIZE);
	usleep(40000);
	return 0;
}

static bool read_ok(struct rawcache *cache)
{
	static char buf[SIZE];
	int fd = open_or_die(data, O_RDONLY);
	uint64_t file = 0;
	ssize_t n = -1;
	int err = file_open_fd(cache, fd, &file);

	if (!err)
		n = rawcache_file_read(cache, file, fd, buf, SIZE, 0);
	else if (err == -ENOMEM) /* no room for what it would learn: the origin, as the shim does */
		n = pread(fd, buf, SIZE, 0);
	if (file)
		rawcache_file_put(cache, file);
	close(fd);
	return n == SIZE && pattern_check(buf, SIZE, 1, 1, 1, 0) == SIZE;
}

static int attach_in(const char *dir, struct rawcache **cache, enum rawcache_reason *reason)
{
	struct rawcache_options options;

	options_for(&options, image);
	if (dir)
		options.runtime_dir = dir;
	return rawcache_attach(&options, cache, reason);
}

/* Run `body` in a child, for what cannot be undone; its return value, or 77: not possible here. */
static int in_child(int (*body)(void))
{
	int status = 0;
	pid_t pid = child_fork();

	if (!pid)
		_exit(body());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define assert_in_child(body) \
	do { \
		int result_ = in_child(body); \
\
		if (result_ == 77) \
			skip(); \
		assert_int_equal(result_, 0); \
	} while (0)

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
	cache = attach(image);
	cache->options.io = RAWCACHE_IO_SYNC;
	file = file_open_path(cache, data, &fd);
	for (int chunk = 3; chunk >= 0; chunk--)
		if (!file_read_right(cache, file, fd, 1, 100000, (uint64_t)chunk << 18))
			return 1;
	before = cache->maps.room;
	for (int32_t room = 0; room < 5; room++) {
		cache->maps.room = room;
		at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at == MAP_FAILED)
			return 2;
		rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, 0);
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
	struct rawcache *cache = attach(image);
	const size_t step = 2u << 20;
	char *base = mmap(NULL, 3 * step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at[3], *taken;
	uint64_t file;
	int fd;

	file = file_open_path(cache, data, &fd);
	if (!file_read_right(cache, file, fd, 1, SIZE, 0))
		return 1;
	rawcache_settle();
	for (int i = 0; i < 3; i++) {
		at[i] = mmap(base + i * step, SIZE, PROT_READ,
			     MAP_PRIVATE | MAP_FIXED | (i == 1 ? MAP_ANONYMOUS : 0), i == 1 ? -1 : fd, 0);
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
	struct rawcache *cache = attach(image);
	int32_t room = cache->maps.room;
	char paths[LEFT_FILES][600];
	int count = 0;

	signal(SIGALRM, on_alarm);
	for (int i = 0; i < LEFT_FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s.%d", data, i);
		file_write(paths[i], 1, 1, SIZE);
	}
	usleep(40000);
	for (int i = 0; i < LEFT_FILES; i++)
		count += map_and_leave(cache, paths[i], 200 + i * 150);
	printf("# %d of %d were left\n", count, LEFT_FILES);
	fflush(stdout);
	for (int i = 0; i < LEFT_FILES; i++)
		unlink(paths[i]);
	return cache->maps.room != room ? 1 : cache->holds != 0 ? 2 : 0;
}

static void test_left(void **state)
{
	(void)state;
	assert_in_child(body_left);
}

/* --- holds, where there are more regions than an array of counters could have had */

#define MANY_BYTES (400u << 20)

static int hold_one(struct rawcache *cache, uint32_t region)
{
	return hold_get(cache, region, cache->image.regions[region].generation);
}

/* Hold regions from `first` on, as many as may be had. */
static uint32_t hold_many(struct rawcache *cache, uint32_t first)
{
	uint32_t n = first;

	while (n < cache->image.sb.region_count && !hold_one(cache, n))
		n++;
	return n - first;
}

static void body_hold(void *arg)
{
	const uint32_t *first = arg;

	hold_many(attach(image), *first);
}

static unsigned int held_in(const struct rawcache *cache)
{
	unsigned int held = 0;

	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
			if (hold_by(cache, i, n)) {
				held++;
				break;
			}
	return held;
}

/* A hold is of one region, and the limits are shares of all. */
static void test_holds(void **state)
{
	struct rawcache *cache[4];
	uint32_t count, quarter, high;
	pid_t pid;

	(void)state;
	unlink(image);
	image_make(image, MANY_BYTES);
	for (int i = 0; i < 4; i++)
		cache[i] = attach(image);
	count = cache[0]->image.sb.region_count;
	quarter = count / 4;
	assert_true(count > 700);
	assert_int_equal(hold_one(cache[0], 3), 0);
	for (uint32_t n = 0; n < count; n++)
		assert_int_equal(pin_any(cache[1], n), n == 3);
	hold_more(cache[0], 3);
	hold_put(cache[0], 3);
	assert_true(pin_any(cache[1], 3));
	hold_put(cache[0], 3);
	assert_false(pin_any(cache[1], 3));
	hold_put(cache[0], 3); /* one too many does no harm */
	assert_int_equal(cache[0]->holds, 0);

	/* one: a quarter */
	assert_int_equal(hold_many(cache[0], 0), quarter);
	assert_int_equal(hold_one(cache[0], 0), 0);
	hold_put(cache[0], 0);
	/* what others hold already may be held at any time; all together: half */
	assert_int_equal(hold_many(cache[1], 0), quarter);
	high = quarter + hold_many(cache[2], quarter);
	pid = child_start(body_hold, &high);
	assert_true(held_in(cache[0]) <= count / 2);
	assert_true(held_in(cache[0]) >= count / 2 - count / 16);
	assert_int_equal(hold_many(cache[3], quarter / 2), quarter);
	/* what the dead held is given back to who asks for it */
	for (uint32_t n = quarter / 2; n < quarter / 2 + quarter; n++)
		hold_put(cache[3], n);
	child_kill(pid);
	for (uint32_t n = 0; n < quarter; n++) {
		hold_put(cache[0], n);
		hold_put(cache[1], n);
	}
	cache[3]->reaped_ms = 0;
	assert_int_equal(hold_many(cache[3], count - quarter), quarter);
	for (int i = 0; i < 4; i++)
		rawcache_detach(cache[i]);
}

/* Threads that take and give up the last hold of one region at the same time. */
static struct rawcache *racing;

static void *hold_often(void *arg)
{
	uintptr_t lost = 0;

	(void)arg;
	for (int i = 0; i < 300000; i++) {
		int err = hold_one(racing, 2);

		if (err)
			continue;
		for (int look = 0; look < 5; look++)
			lost += !hold_by(racing, (uint32_t)racing->slot, 2);
		hold_put(racing, 2);
	}
	return (void *)lost;
}

static void test_holds_race(void **state)
{
	pthread_t threads[3];
	uintptr_t lost = 0;
	void *one;

	(void)state;
	racing = attach(image);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hold_often, NULL), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &one);
		lost += (uintptr_t)one;
	}
	assert_int_equal(lost, 0);
	assert_false(pin_any(racing, 2));
	assert_int_equal(racing->holds, 0);
	/* who interrupted one that gives it up is told so, and does not wait for ever */
	racing->hold_counts[2] = UINT32_MAX;
	assert_int_equal(hold_one(racing, 2), -EAGAIN);
	racing->hold_counts[2] = 0;
	assert_int_equal(hold_one(racing, 2), 0);
	hold_put(racing, 2);
	rawcache_detach(racing);
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
	snprintf(image, sizeof(image), "%s/image", dir);
	image_make(image, TEST_IMAGE_BYTES);
	return executes(attach(image), data);
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
	return executes(attach(image), path) != -EACCES;
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
	struct rawcache *cache = attach(image);
	struct rlimit limit = { 0, RLIM_INFINITY };
	long pages = 0;
	FILE *statm;
	uint64_t file;
	void *at;
	int fd;

	file = file_open_path(cache, data, &fd);
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
	if (at == MAP_FAILED ||
	    rawcache_file_map(cache, file, fd, &at, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0) != SIZE)
		return 2;
	return mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 3 : 0;
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

	locked = attach(image);
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

/* One process stands for many: each cache that it attaches takes a slot of its own. */
#define SLOTS_EACH 64u
#define HOLDERS (RUNTIME_SLOTS / SLOTS_EACH)

static void body_attach(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < SLOTS_EACH; i++)
		attach(image);
}

/* --- limits */

/* More processes than slots: the rest is refused, and told why; places come free again. */
/* Of many real processes: how many have a cache, have none, and have read something wrong. */
static struct crowd {
	uint32_t with, without, wrong;
} *crowd;

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
	crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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
	cache = attach(image);
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

/* --- the runtime segment's place */

static int tmpfs_at(const char *dir, const char *options)
{
	mkdir(dir, 0700);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, options))
		return -1;
	return 0;
}

static int body_full(void)
{
	const char *dir = scratch_path("full");
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	struct rawcache *cache = NULL;

	if (tmpfs_at(dir, "size=256k"))
		return 77;
	if (attach_in(dir, &cache, &reason) != -ENOSPC)
		return 1;
	/* nothing half made is left, and elsewhere it works */
	if (reason != RAWCACHE_REASON_runtime_failed || rmdir(dir) != -1 ||
	    attach_in(NULL, &cache, &reason))
		return 2;
	return !read_ok(cache);
}

static void test_full_runtime(void **state)
{
	(void)state;
	assert_in_child(body_full);
}

static int body_missing(void)
{
	struct rawcache *cache = NULL;
	enum rawcache_reason reason = RAWCACHE_REASON_none;

	if (attach_in(scratch_path("nowhere"), &cache, &reason) != -ENOENT ||
	    reason != RAWCACHE_REASON_runtime_failed)
		return 1;
	return 0;
}

static void test_missing_runtime(void **state)
{
	(void)state;
	assert_in_child(body_missing);
}

/* Another place than the others have: never two segments for one image. */
static void test_split(void **state)
{
	const char *other = scratch_path("elsewhere");
	struct rawcache *cache = NULL;
	enum rawcache_reason reason;
	pid_t child;

	(void)state;
	mkdir(other, 0700);
	child = child_start(body_attach, NULL);
	assert_int_equal(attach_in(other, &cache, &reason), -EBUSY);
	assert_int_equal(reason, RAWCACHE_REASON_runtime_unreachable);
	child_kill(child);
	assert_int_equal(attach_in(other, &cache, &reason), 0);
	assert_true(read_ok(cache));
	rawcache_detach(cache);
}

static void segment_path(char *path, size_t n)
{
	struct rawcache_image_info info;

	assert_int_equal(rawcache_image_info(image, &info, sizeof(info), NULL, 0), 0);
	snprintf(path, n, "%s/%s", scratch_dir(), info.runtime);
}

/* A symbolic link in its place leads to somebody's file, which stays as it is. */
static void test_symlink(void **state)
{
	const char *precious = scratch_path("precious");
	struct rawcache *cache = NULL;
	char path[600];
	char text[16] = "";
	int fd = open_or_die(precious, O_RDWR | O_CREAT | O_TRUNC);

	(void)state;
	assert_int_equal(write(fd, "precious", 8), 8);
	segment_path(path, sizeof(path));
	unlink(path);
	assert_int_equal(symlink(precious, path), 0);
	if (!attach_in(NULL, &cache, NULL)) {
		assert_true(read_ok(cache));
		rawcache_detach(cache);
	}
	assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
	assert_string_equal(text, "precious");
	close(fd);
	unlink(path);
}

/* Garbage, or a FIFO that nobody writes to, in its place. */
static void test_foreign(void **state)
{
	struct rawcache *cache = NULL;
	double start = now_s();
	char path[600];
	int fd;

	(void)state;
	segment_path(path, sizeof(path));
	for (int i = 0; i < 3; i++) {
		unlink(path);
		if (i == 0) {
			assert_int_equal(mkfifo(path, 0600), 0);
		} else {
			fd = open_or_die(path, O_RDWR | O_CREAT);
			assert_int_equal(ftruncate(fd, i == 1 ? 0 : 5000000), 0);
			close(fd);
		}
		assert_int_equal(attach_in(NULL, &cache, NULL), 0);
		assert_true(read_ok(cache));
		rawcache_detach(cache);
	}
	assert_true(now_s() - start < 5);
}

static void body_other_layout(void *arg)
{
	(void)arg;
	attach(image)->runtime.header->layout ^= 1;
}

/* Another version's processes are attached: they have it, we do without. */
static void test_other_layout(void **state)
{
	pid_t child = child_start(body_other_layout, NULL);
	struct rawcache *cache = NULL;

	(void)state;
	assert_true(attach_in(NULL, &cache, NULL) < 0);
	child_kill(child);
	assert_int_equal(attach_in(NULL, &cache, NULL), 0);
	assert_true(read_ok(cache));
	rawcache_detach(cache);
}

/* --- who may */

static void test_writable_by_others(void **state)
{
	enum rawcache_reason reason;
	struct rawcache *cache = NULL;

	(void)state;
	assert_int_equal(chmod(image, 0666), 0);
	assert_int_equal(attach_in(NULL, &cache, &reason), -EPERM);
	assert_int_equal(reason, RAWCACHE_REASON_image_refused);
	assert_int_equal(chmod(image, 0620), 0);
	assert_int_equal(attach_in(NULL, &cache, &reason), -EPERM);
	assert_int_equal(chmod(image, 0644), 0);
	assert_int_equal(attach_in(NULL, &cache, &reason), 0);
	rawcache_detach(cache);
}

/* Who may only read it: what is there is served, nothing is stored. */
static int body_reader(void)
{
	struct rawcache *cache = NULL;
	bool ok;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 77;
	if (access(data, R_OK))
		return 77; /* the scratch directory is below one that it may not search */
	if (attach_in(NULL, &cache, NULL))
		return 0; /* refused: the image is another user's */
	ok = read_ok(cache);
	ok = ok && cache->image.read_only;
	rawcache_detach(cache);
	return !ok;
}

static void test_reader(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	chmod(image, 0644);
	chmod(scratch_dir(), 0755);
	chmod(data, 0644);
	usleep(40000); /* that was a change of it */
	assert_in_child(body_reader);
}

/* --- containers */

static int body_namespace(void)
{
	int ready[2];
	char c;
	pid_t pid;
	struct rawcache *cache;
	bool ok;

	if (pipe(ready) || unshare(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS))
		return 77;
	pid = child_fork();
	if (!pid) {
		/* number 1 of its own world */
		cache = attach(image);
		c = read_ok(cache) ? 'y' : 'n';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) != 1 || c != 'y')
		return 1;
	cache = attach(image);
	ok = process_reap(cache) == 2 && read_ok(cache);
	child_kill(pid);
	ok = ok && process_reap(cache) == 1;
	rawcache_detach(cache);
	return !ok;
}

static void test_namespaces(void **state)
{
	(void)state;
	assert_in_child(body_namespace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pieces, setup),
		cmocka_unit_test_setup(test_faults, setup),
		cmocka_unit_test_setup(test_left, setup),
		cmocka_unit_test_setup(test_holds, setup),
		cmocka_unit_test_setup(test_holds_race, setup),
		cmocka_unit_test_setup(test_noexec, setup),
		cmocka_unit_test_setup(test_spares, setup),
		cmocka_unit_test_setup(test_locks, setup),
		cmocka_unit_test_setup(test_many, setup),
		cmocka_unit_test_setup(test_crowd, setup),
		cmocka_unit_test_setup(test_few_files, setup),
		cmocka_unit_test_setup(test_many_files, setup),
		cmocka_unit_test_setup(test_address_space, setup),
		cmocka_unit_test_setup(test_full_runtime, setup),
		cmocka_unit_test_setup(test_missing_runtime, setup),
		cmocka_unit_test_setup(test_split, setup),
		cmocka_unit_test_setup(test_symlink, setup),
		cmocka_unit_test_setup(test_foreign, setup),
		cmocka_unit_test_setup(test_other_layout, setup),
		cmocka_unit_test_setup(test_writable_by_others, setup),
		cmocka_unit_test_setup(test_reader, setup),
		cmocka_unit_test_setup(test_namespaces, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
