/* SPDX-License-Identifier: MIT */
#include "core/pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>

#include <rawcache/zerocopy.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"

#ifdef __SANITIZE_THREAD__
#define STACK_BYTES (2u << 20) /* the sanitizer's own share of it is a megabyte */
#else
#define STACK_BYTES (128u << 10)
#endif
#define IDLE_MS 500
#define GLIBC_SIGNALS (UINT64_C(3) << 31)

uint32_t pool_threads;

unsigned int rawcache_helper_threads(void)
{
	return load_relaxed(&pool_threads);
}

static void lock(struct pool *pool, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&pool->lock);
}

static void unlock(struct pool *pool, const struct critical *critical)
{
	pthread_mutex_unlock(&pool->lock);
	critical_leave(critical);
}

/* Under the lock: the first job that may be begun. */
static struct pool_job *job_take(struct pool *pool)
{
	struct pool_job *before = NULL;
	struct pool_job *job = pool->first;

	while (job && pool->take && !pool->take(job)) {
		before = job;
		job = job->next;
	}
	if (!job)
		return NULL;
	if (before)
		before->next = job->next;
	else
		pool->first = job->next;
	if (pool->last == job)
		pool->last = before;
	store_relaxed(&pool->waiting, pool->waiting - 1);
	return job;
}

static void *thread_main(void *arg)
{
	uint64_t mask = ~(GLIBC_SIGNALS | critical_bit(SIGSEGV) | critical_bit(SIGBUS));
	struct pool *pool = arg;

	struct critical critical;

	CRASH_HELPER();
	CRASH_POINT(helper_born);
	guard_helper();
	sys_sigprocmask(SIG_SETMASK, &mask, NULL);
	lock(pool, &critical);
	pool->idle--;
	unlock(pool, &critical);
	stats_share();
	pool->work(pool);
	return NULL;
}

static void *thread_first(void *arg)
{
	struct pool *pool = arg;

	if (pool->begin)
		pool->begin();
	return thread_main(pool);
}

/* Under the lock. */
static int thread_make(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&thread, &attr, pool->threads ? thread_main : thread_first, pool);
	pthread_attr_destroy(&attr);
	if (!err) {
		store_relaxed(&pool->threads, pool->threads + 1);
		pool->idle++; /* as good as: it comes for a job */
		fetch_add(&pool_threads, 1);
	}
	return -err;
}

/* Under the lock, by a thread of the pool that begins with a job: somebody shall be there for the next. */
static void thread_follow(struct pool *pool)
{
	if (pool->begin && !pool->idle && pool->threads < pool->limit)
		thread_make(pool);
}

struct pool_job *pool_take(struct pool *pool)
{
	struct critical critical;
	struct pool_job *job;

	lock(pool, &critical);
	job = job_take(pool);
	if (job)
		thread_follow(pool);
	unlock(pool, &critical);
	return job;
}

struct pool_job *pool_next(struct pool *pool)
{
	struct timespec patience = { 0, (long)(pool->idle_ms ? pool->idle_ms : IDLE_MS) * 1000000 };
	struct critical critical;
	struct pool_job *job;
	bool over = false;

	for (;;) {
		uint32_t seen;

		lock(pool, &critical);
		seen = pool->queued;
		job = job_take(pool);
		if (job) {
			thread_follow(pool);
		} else if (over) {
			CRASH_POINT(helper_over);
			store_relaxed(&pool->threads, pool->threads - 1);
			fetch_sub(&pool_threads, 1);
		} else {
			pool->idle++;
		}
		unlock(pool, &critical);
		if (job || over)
			return job;
		over = sys_futex(&pool->queued, FUTEX_WAIT_PRIVATE, seen, &patience) == -ETIMEDOUT;
		lock(pool, &critical);
		pool->idle--;
		unlock(pool, &critical);
	}
}

/* Under the lock. */
static void job_put(struct pool *pool, struct pool_job *job)
{
	job->next = NULL;
	if (pool->last)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	store_relaxed(&pool->waiting, pool->waiting + 1);
	fetch_add(&pool->queued, 1);
}

int pool_add(struct pool *pool, struct pool_job *job, bool make)
{
	struct critical critical;
	int err = -EAGAIN;

	lock(pool, &critical);
	if (make && (pool->begin ? !pool->threads :
				   pool->idle <= pool->waiting && pool->threads < pool->limit))
		err = thread_make(pool);
	if (pool->threads) {
		err = 0;
		job_put(pool, job);
	}
	unlock(pool, &critical);
	CRASH_POINT(job_queued);
	if (!err)
		sys_futex(&pool->queued, FUTEX_WAKE_PRIVATE, 1, NULL);
	return err;
}

int pool_post(struct pool *pool, struct pool_job *job)
{
	struct critical critical;
	bool any;

	lock(pool, &critical);
	any = pool->threads;
	if (any)
		job_put(pool, job);
	unlock(pool, &critical);
	return any ? 0 : -EAGAIN;
}

void pool_prepare(struct pool *pool)
{
	struct critical critical;

	if (load_relaxed(&pool->threads))
		return;
	lock(pool, &critical);
	if (!pool->threads)
		thread_make(pool);
	unlock(pool, &critical);
}

void pool_fork_prepare(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
}

void pool_fork_parent(struct pool *pool)
{
	pthread_mutex_unlock(&pool->lock);
}

void pool_fork_child(struct pool *pool)
{
	pool->first = pool->last = NULL;
	pool->idle = pool->threads = pool->waiting = 0;
	store_relaxed(&pool_threads, 0);
	pthread_mutex_unlock(&pool->lock);
}
