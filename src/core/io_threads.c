/* SPDX-License-Identifier: MIT */
/*
 * Requests by a few helper threads. The first is made at the first need; one that has nothing
 * to do for a while ends, so that a program whose own threads have ended ends too; a fork child
 * has none.
 *
 * A helper has a descriptor table of its own, empty but for the file it reads: the program's
 * descriptors may be closed and used again at any time, and closing a duplicate of one in the
 * program's table would drop the program's POSIX locks. It takes the file out of the program's
 * table by pidfd_getfd(), and makes sure that it is the right one before it reads.
 *
 * All signals are held back but the two that glibc sends itself to every thread, for setuid()
 * and pthread_cancel().
 *
 * Locks: pool_lock, inside a critical section; nobody sleeps with it.
 */
#include <errno.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/critical.h"
#include "base/sys.h"
#include "core/file.h"
#include "core/io.h"

#define THREADS_MAX 8u
#ifdef __SANITIZE_THREAD__
#define STACK_BYTES (2u << 20) /* the sanitizer's own share of it is a megabyte */
#else
#define STACK_BYTES (128u << 10)
#endif
#define IDLE_MS 500
#define WAIT_NS 20000000
#define GLIBC_SIGNALS (UINT64_C(3) << 31)

/*
 * The file a helper read last stays open in its table: closing costs the origin a request. It is
 * known by its key: the object's address and serial come again when a cache is attached anew.
 */
struct helper {
	int pidfd;
	int fd; /* -1: none */
	struct key key;
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct io_request *first, **last = &first;
static uint32_t queued; /* futex: grows with each request */
static uint32_t waiting; /* requests in the queue */
static uint32_t idle, threads;
static uint32_t pool_failed; /* a helper could not set itself up */

static void lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&pool_lock);
}

static void unlock(struct critical *critical)
{
	pthread_mutex_unlock(&pool_lock);
	critical_leave(critical);
}

static int helper_init(struct helper *helper)
{
	uint64_t mask = ~GLIBC_SIGNALS;
	int err;

	sys_sigprocmask(SIG_SETMASK, &mask, NULL);
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

/* The next request; NULL after a while without one: the helper has left the pool. */
static struct io_request *pool_next(struct helper *helper)
{
	struct timespec patience = { 0, IDLE_MS * 1000000 };
	struct io_request *request;
	struct critical critical;
	bool over = false;

	for (;;) {
		uint32_t seen;

		lock(&critical);
		seen = queued;
		request = first;
		if (request) {
			first = request->next;
			if (!first)
				last = &first;
			waiting--;
		} else if (over) {
			threads--;
		} else {
			idle++;
		}
		unlock(&critical);
		if (request || over)
			return request;
		over = sys_futex(&queued, FUTEX_WAIT_PRIVATE, seen, &patience) == -ETIMEDOUT;
		if (over)
			helper_forget(helper);
		lock(&critical);
		idle--;
		unlock(&critical);
	}
}

static void *helper_main(void *arg)
{
	struct helper helper = { .pidfd = -1, .fd = -1 };
	struct io_request *request;
	int err = helper_init(&helper);

	(void)arg;
	if (err)
		store_relaxed(&pool_failed, 1);
	while ((request = pool_next(&helper))) {
		request->result = err ? err : helper_read(&helper, request);
		/* pairs with the look in io_done(); the request may be gone right after */
		store_release(&request->done, IO_DONE);
		sys_futex(&request->done, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
	}
	return NULL;
}

/* Under the lock. */
static int helper_make(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&thread, &attr, helper_main, NULL);
	pthread_attr_destroy(&attr);
	if (!err)
		threads++;
	return -err;
}

static int threads_start(struct rawcache *cache, struct io_request *request)
{
	struct critical critical;
	int err = 0;

	(void)cache;
	if (load_relaxed(&pool_failed))
		return -ENOSYS;
	lock(&critical);
	if (idle <= waiting && threads < THREADS_MAX)
		err = helper_make();
	if (threads) {
		err = 0;
		request->next = NULL;
		*last = request;
		last = &request->next;
		waiting++;
		fetch_add(&queued, 1);
	}
	unlock(&critical);
	if (!err)
		sys_futex(&queued, FUTEX_WAKE_PRIVATE, 1, NULL);
	return err;
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
	pthread_mutex_lock(&pool_lock);
}

static void threads_fork_parent(void)
{
	pthread_mutex_unlock(&pool_lock);
}

static void threads_fork_child(void)
{
	first = NULL;
	last = &first;
	idle = threads = waiting = 0;
	pthread_mutex_unlock(&pool_lock);
}

static bool threads_own_fd(int fd)
{
	(void)fd;
	return false;
}

const struct io_backend io_threads_backend = {
	.name = "threads",
	.start = threads_start,
	.wait = threads_wait,
	.poll = threads_poll,
	.fork_prepare = threads_fork_prepare,
	.fork_parent = threads_fork_parent,
	.fork_child = threads_fork_child,
	.owns_fd = threads_own_fd,
};
