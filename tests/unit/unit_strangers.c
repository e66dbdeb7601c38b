/* SPDX-License-Identifier: MIT */
/* The place of the runtime segment, strangers and containers: the cache is used or refused, and nothing breaks. */
#include "unit/limits.h"

#include <sched.h>
#include <sys/mount.h>

#include "core/shared/process.h"

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

	assert_int_equal(rawcache_image_info(limits_image, &info, sizeof(info), NULL, 0), 0);
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
	attach(limits_image)->runtime.header->layout ^= 1;
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
	assert_int_equal(chmod(limits_image, 0666), 0);
	assert_int_equal(attach_in(NULL, &cache, &reason), -EPERM);
	assert_int_equal(reason, RAWCACHE_REASON_image_refused);
	assert_int_equal(chmod(limits_image, 0620), 0);
	assert_int_equal(attach_in(NULL, &cache, &reason), -EPERM);
	assert_int_equal(chmod(limits_image, 0644), 0);
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
	if (access(limits_data, R_OK))
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
	chmod(limits_image, 0644);
	chmod(scratch_dir(), 0755);
	chmod(limits_data, 0644);
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
		cache = attach(limits_image);
		c = read_ok(cache) ? 'y' : 'n';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) != 1 || c != 'y')
		return 1;
	cache = attach(limits_image);
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
		cmocka_unit_test_setup(test_full_runtime, limits_setup),
		cmocka_unit_test_setup(test_missing_runtime, limits_setup),
		cmocka_unit_test_setup(test_split, limits_setup),
		cmocka_unit_test_setup(test_symlink, limits_setup),
		cmocka_unit_test_setup(test_foreign, limits_setup),
		cmocka_unit_test_setup(test_other_layout, limits_setup),
		cmocka_unit_test_setup(test_writable_by_others, limits_setup),
		cmocka_unit_test_setup(test_reader, limits_setup),
		cmocka_unit_test_setup(test_namespaces, limits_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
