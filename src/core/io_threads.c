/* SPDX-License-Identifier: MIT */
/*
 * Requests by a few helper threads (pool.h).
 *
 * A helper has a descriptor table of its own, empty but for the file it reads: the program's
 * descriptors may be closed and used again at any time, and closing a duplicate of one in the
 * program's table would drop the program's POSIX locks. It takes the file out of the program's
 * table by pidfd_getfd(), and makes sure that it is the right one before it reads.
 */
#include <errno.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "core/file.h"
#include "core/io.h"
#include "core/pool.h"

#define THREADS_MAX 8u
#define WAIT_NS 20000000

/*
 * The file a helper read last stays open in its table while there is more to do: closing costs the
 * origin a request. Not longer: with it open, the program's flock() outlives its close(), a file
 * that it removes leaves a hidden one behind, and a file system is not unmounted. It is known by
 * its key: the object's address and serial come again when a cache is attached anew.
 */
struct helper {
	int pidfd;
	int fd; /* -1: none */
	struct key key;
};

static void helper_work(struct pool *pool);

static struct pool readers = { .work = helper_work,
			       .limit = THREADS_MAX,
			       .lock = PTHREAD_MUTEX_INITIALIZER };
static uint32_t pool_failed; /* a helper could not set itself up */

static int helper_init(struct helper *helper)
{
	int err;

	helper->fd = -1;
	err = (int)SYS_CALL(__NR_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0);
	if (err)
		return err;
	helper->pidfd = (int)SYS_CALL(__NR_pidfd_open, sys_getpid(), 0, 0, 0, 0, 0);
	return helper->pidfd < 0 ? helper->pidfd : 0;
}

static void helper_forget(struct helper *helper)
{
	if (helper->fd >= 0)
		sys_close(helper->fd);
	helper->fd = -1;
}

static int helper_take(struct helper *helper, const struct io_request *request)
{
	const struct key *key = &request->file->key;

	if (helper->fd >= 0 && helper->key.low == key->low && helper->key.high == key->high)
		return 0;
	helper_forget(helper);
	helper->fd = (int)SYS_CALL(__NR_pidfd_getfd, helper->pidfd, request->fd, 0, 0, 0, 0);
	if (helper->fd == -EPERM || helper->fd == -ENOSYS)
		store_relaxed(&pool_failed, 1); /* a seccomp filter: for good */
	if (helper->fd < 0)
		return helper->fd;
	if (!file_unchanged(request->file, helper->fd)) {
		helper_forget(helper);
		return -ESTALE;
	}
	helper->key = *key;
	return 0;
}

static int32_t helper_read(struct helper *helper, const struct io_request *request)
{
	int err = helper_take(helper, request);
	size_t have = 0;

	while (!err && have < request->length) {
		ssize_t got = sys_pread(helper->fd, request->buf + have, request->length - have,
					request->offset + have);

		if (got == -EINTR)
			continue;
		if (got < 0 && !have)
			err = (int)got;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return err ? err : (int32_t)have;
}

/* What nobody waits for: whoever stores it has no descriptor to look at the file again. */
static void helper_finish(struct helper *helper, struct io_request *request)
{
	request->unchanged = request->result == (int32_t)request->length &&
			     file_unchanged(request->file, helper->fd);
	if (request->forget && request->result > 0)
		sys_fadvise(helper->fd, request->offset, request->length, POSIX_FADV_DONTNEED);
	request->forget = false;
	/* now: who closes the file waits for what has arrived */
	if (!load_relaxed(&readers.waiting))
		helper_forget(helper);
	request->arrived(request);
}

static struct pool_job *helper_next(struct helper *helper, struct pool *pool)
{
	struct pool_job *job = pool_take(pool);

	if (job)
		return job;
	helper_forget(helper);
	return pool_next(pool);
}

static void helper_work(struct pool *pool)
{
	struct helper helper = { .pidfd = -1, .fd = -1 };
	int err = helper_init(&helper);
	struct pool_job *job;

	if (err)
		store_relaxed(&pool_failed, 1);
	while ((job = helper_next(&helper, pool))) {
		struct io_request *request = container_of(job, struct io_request, job);

		request->result = err ? err : helper_read(&helper, request);
		/* pairs with the look in io_done() */
		store_release(&request->done, IO_DONE);
		sys_futex(&request->done, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
		helper_finish(&helper, request);
	}
}

static int threads_start(struct rawcache *cache, struct io_request *request)
{
	(void)cache;
	if (load_relaxed(&pool_failed))
		return -ENOSYS;
	return pool_add(&readers, &request->job, true);
}

static void threads_wait(struct io_request *request)
{
	struct timespec patience = { 0, WAIT_NS };

	sys_futex(&request->done, FUTEX_WAIT_PRIVATE, IO_RUNNING, &patience);
}

static void threads_poll(void)
{
}

static void threads_fork_prepare(void)
{
	pool_fork_prepare(&readers);
}

static void threads_fork_parent(void)
{
	pool_fork_parent(&readers);
}

static void threads_fork_child(void)
{
	pool_fork_child(&readers);
}

static bool threads_own_fd(int fd)
{
	(void)fd;
	return false;
}

const struct io_backend io_threads_backend = {
	.name = "threads",
	.arrives = true,
	.start = threads_start,
	.wait = threads_wait,
	.poll = threads_poll,
	.fork_prepare = threads_fork_prepare,
	.fork_parent = threads_fork_parent,
	.fork_child = threads_fork_child,
	.owns_fd = threads_own_fd,
};
