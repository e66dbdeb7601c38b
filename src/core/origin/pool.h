/* SPDX-License-Identifier: MIT */
/*
 * A few helper threads that take jobs from a queue. The first is made when the first job is added. A thread without a
 * job for idle_ms ends, so that a program whose own threads have ended ends too. A fork child has no threads and an
 * empty queue.
 *
 * Threads of a pool with `begin` share a descriptor table that is not the program's: the first
 * one leaves the program's table there, and is made by the program; all others are made by those
 * that are there already.
 *
 * All signals are held back but the two that glibc sends itself to every thread, for setuid()
 * and pthread_cancel(), and those of faults: the image may be cut short under a helper, too. What they count goes
 * to the process's own statistics: they outlive the cache that they work for.
 *
 * Locks: the pool's, inside a critical section; nobody sleeps with it.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Embedded in what is to be done. */
struct pool_job {
	struct pool_job *next;
};

struct pool {
	void (*work)(struct pool *pool); /* a thread's life: pool_next() until there is none */
	void (*begin)(
		void); /* or NULL; in the first thread, before it works: the others are gone */
	/* Or NULL: whether the job may be begun now; if so, it is. Under the lock. */
	bool (*take)(struct pool_job *job);
	bool lasts;	  /* its threads have to be there: nobody waits that forks */
	uint32_t limit;	  /* threads */
	uint32_t idle_ms; /* after which one ends; 0: half a second */
	pthread_mutex_t lock;
	struct pool_job *first, *last;
	uint32_t queued;  /* futex: grows with each job */
	uint32_t waiting; /* jobs in the queue */
	uint32_t idle, threads;
	struct pool *next; /* of all that have had a thread */
	uint32_t listed;
};

/*
 * Queue a job. 0, or -errno if there is no thread: the job stays the caller's. A new thread inherits the descriptor
 * table of the thread that makes it. Callers with a table of their own must therefore pass `make` = false, and rely on
 * threads that a thread of the program made by pool_prepare().
 */
int pool_add(struct pool *pool, struct pool_job *job, bool make);
void pool_prepare(struct pool *pool);

/* The same for a job that somebody waits for already: it is the next. */
int pool_add_first(struct pool *pool, struct pool_job *job, bool make);

/* Queue a job without waking anybody, for a thread that will look. -EAGAIN: there is none. */
int pool_post(struct pool *pool, struct pool_job *job);

/* For a thread of the pool: wait for the next job. NULL: there was none for idle_ms; the thread must end. */
struct pool_job *pool_next(struct pool *pool);

/* The same without waiting. NULL: there is none now. */
struct pool_job *pool_take(struct pool *pool);

/* The threads of all pools. */
extern uint32_t pool_threads;

/*
 * Threads end when they have done their jobs, and none is made until pools_return(). False: one is still there
 * after a second. Calls may overlap.
 */
bool pools_leave(void);

/* For threads that wait for what others do: they shall end. */
bool pool_leaves(void);

/*
 * The same, without those of pools that last, for 0.2 s at most. Owes pools_return(), which a fork
 * child does not.
 */
void pools_step_aside(void);
void pools_return(void);

void pool_fork_prepare(struct pool *pool);
void pool_fork_parent(struct pool *pool);
void pool_fork_child(struct pool *pool);

#endif
