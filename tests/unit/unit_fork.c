/* SPDX-License-Identifier: MIT */
/* Children of fork(): what they share with their parent and what they must not touch. */
#include "unit/unit.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "child.h"
#include "core/shared/cache.h"

/* last: its names are those of parameters in other headers */
#include "unit/two_files.h"

#define FILE_BYTES 100000u

static int setup(void **state)
{
	(void)state;
	return two_files_make("fork.image", TEST_IMAGE_BYTES, FILE_BYTES);
}

/* With the first file in the cache. */
static void attach_parent(void)
{
	two_files_attach();
	assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
}

static int processes(struct rawcache *of)
{
	struct rawcache_process rows[8];

	return rawcache_stats_processes(of, rows, sizeof(*rows), 8);
}

static void body_attach(void *arg)
{
	(void)arg;
	cache = attach(path);
}

/* The child takes its slot under the locks of its first miss. */
static void test_first_miss(void **state)
{
	pid_t child;

	(void)state;
	attach_parent();
	child = child_fork();
	if (!child)
		_exit(!file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0) || cache->slot < 0 ||
		      cache->pid != getpid());
	assert_int_equal(child_end(child, 3), 0);
	assert_true(file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0));
}

/* Locks tried on its parent's description would succeed: nobody is dead for that. */
static void test_living(void **state)
{
	pid_t other = child_start(body_attach, NULL);
	pid_t child;

	(void)state;
	attach_parent();
	assert_int_equal(processes(cache), 2);
	child = child_fork();
	if (!child)
		_exit(processes(cache));
	assert_int_equal(child_end(child, 3), 2);
	child = child_fork();
	if (!child)
		_exit(file_read_right(cache, file_a, fd_a, 1, 100, 0) ? processes(cache) : 99);
	assert_int_equal(child_end(child, 3), 3);
	assert_int_equal(processes(cache), 2);
	child_kill(other);
	assert_int_equal(processes(cache), 1);
}

/*
 * The same for a child of a bare system call, which no handler sees. Nobody would be told if it died with
 * a lock, so that it takes none: it has no slot, and stores nothing.
 */
static void test_bare_clone(void **state)
{
	pid_t child;

	(void)state;
	attach_parent();
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(!file_read_right(cache, file_a, fd_a, 1, 100, 0) ||
		      !file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0) ||
		      cache->slot != SLOT_NONE || processes(cache) != 1);
	assert_int_equal(child_end(child, 3), 0);
	assert_int_equal(processes(cache), 1);
	assert_true(file_read_right(cache, file_b, fd_b, 2, FILE_BYTES, 0));
}

static void body_close(void *arg)
{
	body_attach(arg);
	close(cache->runtime.fd);
}

/* The segment's descriptor is closed behind our back: what we hold stays ours, until we are gone. */
static void test_descriptor_closed(void **state)
{
	pid_t child = child_start(body_attach, NULL);
	pid_t closer;

	(void)state;
	cache = attach(path);
	closer = child_start(body_close, NULL);
	assert_int_equal(processes(cache), 3);
	child_kill(child);
	assert_int_equal(processes(cache), 2);
	child_kill(closer);
	assert_int_equal(processes(cache), 1);
}

/* In memory that is shared: a process that is number 1 of a pid namespace of its own, and its parent. */
struct number_one {
	pid_t parent;
	pid_t pid; /* -1: there can be no such namespace here */
	bool ready;
};

static void number_one_parent(struct number_one *one)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid = unshare(CLONE_NEWPID) ? -1 : fork();
	if (pid) {
		store_release(&one->pid, pid);
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cache = attach(path);
}

/* It attaches the cache and runs body(). */
static struct number_one *number_one_start(void (*body)(struct number_one *one))
{
	struct number_one *one = mmap(NULL, sizeof(*one), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	one->parent = child_fork();
	if (!one->parent) {
		number_one_parent(one);
		body(one);
		_exit(0);
	}
	while (!load_acquire(&one->pid) || (one->pid > 0 && !load_acquire(&one->ready)))
		usleep(1000);
	return one;
}

static void number_one_kill(struct number_one *one)
{
	kill(one->pid, SIGKILL);
	waitpid(one->parent, NULL, 0);
	munmap(one, sizeof(*one));
}

static void body_own(struct number_one *one)
{
	if (runtime_lock(&cache->runtime.header->region_lock))
		_exit(1);
	store_release(&one->ready, true);
	pause();
}

static void body_want(struct number_one *one)
{
	store_release(&one->ready, true);
	runtime_lock(&cache->runtime.header->region_lock);
	pause();
}

/* Who is killed while it waits for a lock does not free it, though its owner has the same number elsewhere. */
static void test_namespace_lock(void **state)
{
	struct number_one *owner;

	(void)state;
	cache = attach(path);
	owner = number_one_start(body_own);
	if (owner->pid < 0)
		skip();
	for (int i = 0; i < 3; i++) {
		struct number_one *other = number_one_start(body_want);

		usleep(20000);
		number_one_kill(other);
		assert_int_equal(runtime_lock(&cache->runtime.header->region_lock), -ETIMEDOUT);
	}
	number_one_kill(owner);
	assert_int_equal(runtime_lock(&cache->runtime.header->region_lock), 0);
	runtime_unlock(&cache->runtime.header->region_lock);
}

static void body_orphan(void *arg)
{
	pid_t child;

	cache = attach(path);
	child = child_fork();
	if (child) {
		*(pid_t *)arg = child;
		return;
	}
	alarm(10);
	pause();
	_exit(0);
}

/* A child that never uses the cache does not keep its dead parent's slot alive. */
static void test_orphan(void **state)
{
	pid_t *orphan = mmap(NULL, sizeof(*orphan), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = child_start(body_orphan, orphan);

	(void)state;
	cache = attach(path);
	assert_int_equal(processes(cache), 2);
	child_kill(parent);
	/* it may not have run yet */
	for (int i = 0; i < 200 && processes(cache) == 2; i++)
		usleep(5000);
	assert_int_equal(processes(cache), 1);
	child_kill(*orphan);
	munmap(orphan, sizeof(*orphan));
}

/* All caches of the process, not only its first. */
static void test_second_cache(void **state)
{
	struct rawcache *second;
	uint64_t file;
	pid_t child;
	int fd;

	(void)state;
	unlink(scratch_path("second.image"));
	image_make(scratch_path("second.image"), TEST_IMAGE_BYTES);
	attach_parent();
	second = attach(scratch_path("second.image"));
	file = file_open_path(second, scratch_path("b"), &fd);
	child = child_fork();
	if (!child) {
		int status = file_read_right(second, file, fd, 2, 100, 0) ? processes(second) : 99;

		rawcache_detach(second);
		_exit(status);
	}
	assert_int_equal(child_end(child, 3), 2);
	assert_int_equal(processes(second), 1);
	assert_int_equal(cache_slot(second)->used, 1);
	rawcache_detach(second);
	close(fd);
}

/* A child that only hits has a slot to count in all the same. */
static void test_hits_counted(void **state)
{
	struct rawcache_stats before;
	struct rawcache_stats after;
	pid_t child;

	(void)state;
	attach_parent();
	rawcache_stats_total(cache, &before, sizeof(before));
	child = child_fork();
	if (!child) {
		int wrong = 0;

		for (int i = 0; i < 1000; i++)
			wrong += !file_read_right(cache, file_a, fd_a, 1, 100, 0);
		_exit(wrong != 0);
	}
	assert_int_equal(child_end(child, 3), 0);
	rawcache_stats_total(cache, &after, sizeof(after));
	assert_int_equal(after.hits - before.hits, 1000);
}

/* A thread of the parent gives blocks of the image back at that moment: it is not there to go on. */
static void test_blocks_go(void **state)
{
	struct resident *resident;
	pid_t child;

	(void)state;
	attach_parent();
	resident = &cache->resident;
	while (!resident->count)
		assert_true(file_read_right(cache, file_a, fd_a, 1, 100, 0));
	resident->busy = 1;
	child = child_fork();
	if (!child)
		_exit(resident->busy || !resident->blocks ||
		      !file_read_right(cache, file_a, fd_a, 1, 100, 0));
	resident->busy = 0;
	assert_int_equal(child_end(child, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_miss, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_living, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_bare_clone, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_descriptor_closed, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_namespace_lock, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_orphan, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_second_cache, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_hits_counted, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_blocks_go, setup, two_files_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
