/* SPDX-License-Identifier: MIT */
#include "core/origin/pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/fault_mask.h"
#include "base/patience.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/pool_seats.h"

#ifdef __SANITIZE_THREAD__
#define STACK_BYTES (2u << 20) /* the sanitizer needs a megabyte of it */
#else
#define STACK_BYTES (128u << 10) /* eight times what a fill needs: base/stack.c */
#endif
/* long enough for the next read of a program that reads on, short enough for its end */
#define IDLE_MS 500
#define GLIBC_SIGNALS (UINT64_C(3) << 31)

#define LEAVE_NAP_NS 100000 /* an end takes tens of microseconds */

uint32_t pool_threads;

static struct pool *pools; /* all that have had a thread */
static uint32_t leaving;   /* number of callers that want no helper to exist */

at_start unsigned int rawcache_helper_threads(void)
{
	return load_relaxed(&pool_threads);
}

static void jobs_lock(struct pool *pool, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&pool->lock);
}

static void jobs_unlock(struct pool *pool, const struct critical *critical)
{
	pthread_mutex_unlock(&pool->lock);
	critical_leave(critical);
}

/* Under the lock: `before` is the job in front of it, or NULL. */
static void job_unlink(struct pool *pool, struct pool_job *before, struct pool_job *job)
{
	if (before)
		before->next = job->next;
	else
		pool->first = job->next;
	if (pool->last == job)
		pool->last = before;
	store_relaxed(&pool->waiting, pool->waiting - 1);
}

/* Under the lock: take the first job that may begin. */
static struct pool_job *job_take(struct pool *pool)
{
	struct pool_job *before = NULL;
	struct pool_job *job = pool->first;

	while (job && pool->take && !pool->take(job)) {
		before = job;
		job = job->next;
	}
	if (job)
		job_unlink(pool, before, job);
	return job;
}

static void *thread_main(void *arg)
{
	uint64_t mask = ~(GLIBC_SIGNALS | signal_bit(SIGSEGV) | signal_bit(SIGBUS));
	struct pool *pool = arg;

	struct critical critical;

	CRASH_HELPER();
	CRASH_POINT(helper_born);
	pool_seat_take();
	fault_mask_helper();
	sys_sigprocmask(SIG_SETMASK, &mask, NULL);
	fault_mask_held = true;
	jobs_lock(pool, &critical);
	pool->idle--;
	jobs_unlock(pool, &critical);
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

static void pool_list(struct pool *pool)
{
	struct pool *first = load_acquire(&pools);
	uint32_t no = 0;

	if (!cas(&pool->listed, &no, 1))
		return;
	do
		pool->next = first;
	while (!cas(&pools, &first, pool));
}

/* Under the lock. */
static int thread_make(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = load_acquire(&leaving) ? EAGAIN : pthread_attr_init(&attr);

	if (err)
		return -err;
	pool_list(pool);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&thread, &attr, pool->threads ? thread_main : thread_first, pool);
	pthread_attr_destroy(&attr);
	if (!err) {
		store_relaxed(&pool->threads, pool->threads + 1);
		pool->idle++; /* it will come for a job */
		fetch_add(&pool_threads, 1);
	}
	return -err;
}

/* Under the lock, by a thread of the pool that begins a job: there must be a thread for the next one. */
static void thread_follow(struct pool *pool)
{
	if (pool->begin && !pool->idle && pool->threads < pool->limit)
		thread_make(pool);
}

struct pool_job *pool_take(struct pool *pool)
{
	struct critical critical;
	struct pool_job *job;

	jobs_lock(pool, &critical);
	job = job_take(pool);
	if (job)
		thread_follow(pool);
	jobs_unlock(pool, &critical);
	return job;
}

/*
 * Under the lock, by a thread without a job: all others are at work, which may last as long as a mount stalls. Where
 * only threads of the pool make threads, the next job would have none.
 */
static bool thread_is_spare(const struct pool *pool)
{
	return pool->begin && !pool->idle && pool->threads > 1;
}

struct pool_job *pool_next(struct pool *pool)
{
	struct timespec patience = { 0, (long)(pool->idle_ms ? pool->idle_ms : IDLE_MS) * 1000000 };
	struct critical critical;
	struct pool_job *job;
	bool over = false;

	for (;;) {
		uint32_t seen;

		jobs_lock(pool, &critical);
		seen = pool->queued;
		job = job_take(pool);
		if (job) {
			thread_follow(pool);
		} else if ((over && !thread_is_spare(pool)) || load_acquire(&leaving)) {
			over = true;
			CRASH_POINT(helper_over);
			store_relaxed(&pool->threads, pool->threads - 1);
			fetch_sub(&pool_threads, 1);
		} else {
			over = false;
			pool->idle++;
		}
		jobs_unlock(pool, &critical);
		if (job || over)
			return job;
		over = sys_futex(&pool->queued, FUTEX_WAIT_PRIVATE, seen, &patience) == -ETIMEDOUT;
		jobs_lock(pool, &critical);
		pool->idle--;
		jobs_unlock(pool, &critical);
	}
}

/* Under the lock: put the job behind `before`, or in front of all. */
static void job_put_behind(struct pool *pool, struct pool_job *before, struct pool_job *job)
{
	struct pool_job **link = before ? &before->next : &pool->first;

	job->next = *link;
	*link = job;
	if (pool->last == before)
		pool->last = job;
	store_relaxed(&pool->waiting, pool->waiting + 1);
	fetch_add(&pool->queued, 1);
}

static void job_put(struct pool *pool, struct pool_job *job)
{
	job->early = false;
	job_put_behind(pool, pool->last, job);
}

/* Behind those that came early, too: one of them would never be the next if more come all the time. */
static void job_put_first(struct pool *pool, struct pool_job *job)
{
	struct pool_job *before = NULL;

	for (struct pool_job *early = pool->first; early && early->early; early = early->next)
		before = early;
	job->early = true;
	job_put_behind(pool, before, job);
}

static int job_add(struct pool *pool, struct pool_job *job, bool make, bool first)
{
	struct critical critical;
	int err = -EAGAIN;

	jobs_lock(pool, &critical);
	if (make && (pool->begin ? !pool->threads :
				   pool->idle <= pool->waiting && pool->threads < pool->limit))
		err = thread_make(pool);
	if (pool->threads) {
		err = 0;
		(first ? job_put_first : job_put)(pool, job);
	}
	jobs_unlock(pool, &critical);
	CRASH_POINT(job_queued);
	if (!err)
		sys_futex(&pool->queued, FUTEX_WAKE_PRIVATE, 1, NULL);
	return err;
}

int pool_add(struct pool *pool, struct pool_job *job, bool make)
{
	return job_add(pool, job, make, false);
}

int pool_add_first(struct pool *pool, struct pool_job *job, bool make)
{
	return job_add(pool, job, make, true);
}

void pool_hurry(struct pool *pool, struct pool_job *wanted)
{
	struct critical critical;
	struct pool_job *before = NULL;
	struct pool_job *job;

	jobs_lock(pool, &critical);
	for (job = pool->first; job && job != wanted; job = job->next)
		before = job;
	if (job && !job->early) {
		job_unlink(pool, before, job);
		job_put_first(pool, job);
	}
	jobs_unlock(pool, &critical);
}

void pool_look(struct pool *pool)
{
	fetch_add(&pool->queued, 1);
	sys_futex(&pool->queued, FUTEX_WAKE_PRIVATE, 1, NULL);
}

int pool_post(struct pool *pool, struct pool_job *job)
{
	struct critical critical;
	bool any;

	jobs_lock(pool, &critical);
	any = pool->threads;
	if (any)
		job_put(pool, job);
	jobs_unlock(pool, &critical);
	return any ? 0 : -EAGAIN;
}

void pool_prepare(struct pool *pool)
{
	struct critical critical;

	if (load_relaxed(&pool->threads))
		return;
	jobs_lock(pool, &critical);
	if (!pool->threads)
		thread_make(pool);
	jobs_unlock(pool, &critical);
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
	store_relaxed(&leaving, 0);
	pool_seats_clear();
	pthread_mutex_unlock(&pool->lock);
}

static void pools_wake(void)
{
	for (struct pool *pool = load_acquire(&pools); pool; pool = pool->next) {
		fetch_add(&pool->queued, 1);
		sys_futex(&pool->queued, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
	}
}

static bool helpers_left(void)
{
	return load_acquire(&pool_threads) || pool_seats_taken();
}

/* If a thread lasts, no caller can be told that there is none: its end is not waited for. */
static bool movable_left(void)
{
	bool lasting = false;

	for (struct pool *pool = load_acquire(&pools); pool; pool = pool->next) {
		if (!load_acquire(&pool->threads))
			continue;
		if (!pool->lasts)
			return true;
		lasting = true;
	}
	return !lasting && pool_seats_taken();
}

static bool wait_while(bool (*any)(void), uint64_t ms)
{
	const struct timespec nap = { .tv_nsec = LEAVE_NAP_NS };
	uint64_t end = clock_mono_ns() + ms * UINT64_C(1000000);
	bool left;

	while ((left = any()) && clock_mono_ns() < end)
		sys_nanosleep(&nap);
	return left;
}

bool pool_leaves(void)
{
	return load_acquire(&leaving);
}

bool pools_leave(void)
{
	fetch_add(&leaving, 1);
	pools_wake();
	return !wait_while(helpers_left, POOL_LEAVE_MS);
}

void pools_step_aside(void)
{
	fetch_add(&leaving, 1);
	pools_wake();
	wait_while(movable_left, POOL_ASIDE_MS);
}

void pools_return(void)
{
	fetch_sub(&leaving, 1);
}
