/* SPDX-License-Identifier: MIT */
/*
 * A few helper threads that take jobs from a queue. The first thread is made when the first job is added. A
 * thread without a job for idle_ms ends, so that a program whose own threads have ended can end too. A fork
 * child has no threads and an empty queue.
 *
 * Threads of a pool with `begin` share a descriptor table that is not the program's: the first thread is
 * made by the program and leaves the program's table; all others are made by threads of the pool.
 *
 * All signals are held back in them but two kinds: those that glibc sends to every thread, for setuid() and
 * pthread_cancel(); and those of faults, because the image may be truncated under a helper too. Their
 * counts go to the process's own statistics: they outlive the cache for which they work.
 *
 * Locks: the pool's, inside a critical section; nobody sleeps while holding it.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Embedded in the struct that describes the job. */
struct pool_job {
	struct pool_job *next;
	bool early; /* by pool_add_first() */
};

struct pool {
	/* the life of a thread: calls pool_next() until it returns NULL */
	void (*work)(struct pool *pool);
	void (*begin)(
		void); /* or NULL; called in the first thread before it works, when no other exists */
	/* Or NULL. Returns whether the job may begin now; if so, it has begun. Under the lock. */
	bool (*take)(struct pool_job *job);
	bool lasts;	  /* its threads must exist: a fork does not wait for them */
	uint32_t limit;	  /* of threads */
	uint32_t idle_ms; /* a thread without a job ends after this time; 0: half a second */
	pthread_mutex_t lock;
	struct pool_job *first, *last;
	uint32_t queued;  /* futex: incremented with each job */
	uint32_t waiting; /* jobs in the queue */
	uint32_t idle, threads;
	struct pool *next; /* the next of all pools that had a thread */
	uint32_t listed;
};

/*
 * Queue a job. 0, or -errno if there is no thread: the job stays the caller's. A new thread inherits the descriptor
 * table of the thread that makes it. Callers with a table of their own must therefore pass `make` = false, and rely on
 * threads that a thread of the program made by pool_prepare().
 */
int pool_add(struct pool *pool, struct pool_job *job, bool make);
void pool_prepare(struct pool *pool);

/*
 * The same for a job that somebody waits for already: it is put before all jobs but those that this function has
 * queued.
 */
int pool_add_first(struct pool *pool, struct pool_job *job, bool make);

/* From now on somebody waits for the job: if it is in the queue, it goes where pool_add_first() puts one. */
void pool_hurry(struct pool *pool, struct pool_job *wanted);

/* A job that `take` refused may begin now: let a thread look. */
void pool_look(struct pool *pool);

/* Queue a job without waking a thread, if a thread is about to look. -EAGAIN: there is none. */
int pool_post(struct pool *pool, struct pool_job *job);

/* For a thread of the pool: wait for the next job. NULL: there was none for idle_ms; the thread must end. */
struct pool_job *pool_next(struct pool *pool);

/* The same without waiting. NULL: the queue is empty. */
struct pool_job *pool_take(struct pool *pool);

/* The number of threads of all pools. */
extern uint32_t pool_threads;

/*
 * All threads end when they have done their jobs, and none is made until pools_return(). Returns false if
 * one still exists after POOL_LEAVE_MS. Calls may overlap.
 */
bool pools_leave(void);

/* For threads that wait for others: whether they must end now. */
bool pool_leaves(void);

/*
 * The same, except for threads of pools that last, and for POOL_ASIDE_MS at most. Owes a pools_return(),
 * except in a fork child.
 */
void pools_step_aside(void);
void pools_return(void);

void pool_fork_prepare(struct pool *pool);
void pool_fork_parent(struct pool *pool);
void pool_fork_child(struct pool *pool);

#endif
