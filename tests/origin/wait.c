/* SPDX-License-Identifier: MIT */
/*
 * Waiting, the origin's main occupation: until a time, or until released.
 *
 * The kernel does not let a killed process go while its request is being
 * served: it stays until the answer comes. A network file system lets it die,
 * and tests that kill a stalled reader need that, so a waiter looks up now and
 * then whether its caller has a SIGKILL pending (every fatal signal becomes
 * one). FUSE's own INTERRUPT message cannot tell: it is sent once, for the first
 * signal of any kind, and read() of a regular file must not fail for those. The
 * reader of a read-ahead request can die without us; a stall then ends as well,
 * or the pages it holds locked would block the next who opens the file.
 *
 * One lock and one condition serve all waiters; the lock is held only around the
 * variables below, and nests within any lock of the callers.
 */
#include "wait.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000LL
/* How often a waiter looks whether its caller still lives. */
#define LOOK_NS 20000000LL
#define FOREVER INT64_MAX

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static uint64_t releases;
static bool stopping;

int wait_init(void)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (!err)
		err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!err)
		err = pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	return -err;
}

int64_t wait_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Is @caller being killed? One that is gone already counts if @gone. */
static bool caller_killed(pid_t caller, bool gone)
{
	unsigned long long pending = 0;
	char path[64], line[128];
	FILE *f;

	if (caller <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)caller);
	f = fopen(path, "re");
	if (!f)
		return gone && errno == ENOENT;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SigPnd: %llx", &pending) == 1)
			break;
	fclose(f);
	return pending & (1ULL << (SIGKILL - 1));
}

/* Sleeps to @deadline, a wake-up, or the next look at the caller. Lock held. */
static int wait_step(pid_t caller, int64_t deadline)
{
	int64_t until = wait_now() + LOOK_NS;
	struct timespec ts;
	bool killed;

	if (stopping)
		return -ESHUTDOWN;
	if (until > deadline)
		until = deadline;
	ts.tv_sec = until / NSEC_PER_SEC;
	ts.tv_nsec = until % NSEC_PER_SEC;
	if (pthread_cond_timedwait(&changed, &lock, &ts) != ETIMEDOUT || until == deadline)
		return 0;
	pthread_mutex_unlock(&lock);
	killed = caller_killed(caller, deadline == FOREVER);
	pthread_mutex_lock(&lock);
	return killed ? -EINTR : 0;
}

int wait_until(pid_t caller, int64_t deadline)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	while (!err && wait_now() < deadline)
		err = wait_step(caller, deadline);
	pthread_mutex_unlock(&lock);
	return err;
}

uint64_t wait_ticket(void)
{
	uint64_t ticket;

	pthread_mutex_lock(&lock);
	ticket = releases;
	pthread_mutex_unlock(&lock);
	return ticket;
}

int wait_released(pid_t caller, uint64_t ticket)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	while (!err && releases == ticket)
		err = wait_step(caller, FOREVER);
	pthread_mutex_unlock(&lock);
	return err;
}

void wait_release(void)
{
	pthread_mutex_lock(&lock);
	releases++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void wait_stop(void)
{
	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
