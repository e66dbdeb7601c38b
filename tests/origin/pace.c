/* SPDX-License-Identifier: MIT */
/*
 * How slow the origin is: latency per request, and one shared link.
 *
 * Latency is slept by each request for itself, so parallel requests overlap. The
 * link is a token bucket without a burst: a reply books the time its bytes need
 * after all bytes booked before, and waits for the end of its booking. Deadlines
 * are absolute, so late wake-ups do not add up.
 */
#include "pace.h"

#include <pthread.h>
#include <stdatomic.h>

#include "wait.h"

static _Atomic int64_t latency[PACE_COUNT];
static _Atomic uint64_t bandwidth;

/* When the link has sent all that is booked; under the lock. */
static pthread_mutex_t link_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t link_free;

void pace_set_latency(enum pace_kind kind, int64_t ns)
{
	atomic_store(&latency[kind], ns);
}

int64_t pace_get_latency(enum pace_kind kind)
{
	return atomic_load(&latency[kind]);
}

void pace_set_bandwidth(uint64_t bytes_per_s)
{
	pthread_mutex_lock(&link_lock);
	atomic_store(&bandwidth, bytes_per_s);
	/* What was booked at the old rate must not hold up the new one. */
	link_free = 0;
	pthread_mutex_unlock(&link_lock);
}

uint64_t pace_get_bandwidth(void)
{
	return atomic_load(&bandwidth);
}

int pace_latency(pid_t caller, enum pace_kind kind)
{
	int64_t ns = pace_get_latency(kind);

	return ns ? wait_until(caller, wait_now() + ns) : 0;
}

int pace_transfer(pid_t caller, size_t bytes)
{
	uint64_t rate = atomic_load(&bandwidth);
	int64_t done, now;

	if (!rate || !bytes)
		return 0;
	pthread_mutex_lock(&link_lock);
	now = wait_now();
	if (link_free < now)
		link_free = now;
	link_free += (int64_t)((double)bytes * 1e9 / (double)rate);
	done = link_free;
	pthread_mutex_unlock(&link_lock);
	return wait_until(caller, done);
}
