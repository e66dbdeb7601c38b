/* SPDX-License-Identifier: MIT */
/* The robust locks of the segment. */
#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/shared/runtime.h"
#include "core/shared/segment.h"

int robust_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int err = pthread_mutexattr_init(&attr);

	if (err)
		return -err;
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	err = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

/*
 * After a lock timed out (its owner is probably stopped), this process waits for no lock until this time:
 * otherwise each of a program's reads would pay the timeout.
 */
static uint64_t lock_impatient_until;

/*
 * Polls with trylock instead of waiting in the kernel: a thread that dies while it waits there leaves the
 * lock in its robust list as pending, and the kernel frees it if the owner has the same thread id, which
 * two threads in different pid namespaces can have.
 */
static int lock_wait(pthread_mutex_t *lock)
{
	uint64_t now = clock_mono_ns();
	uint64_t end = now + LOCK_PATIENCE_MS * UINT64_C(1000000);
	struct timespec nap = { 0, LOCK_NAP_NS };
	int err;

	if (now < load_relaxed(&lock_impatient_until))
		return ETIMEDOUT;
	for (int tries = 0; tries < LOCK_SPINS; tries++) {
		cpu_relax();
		err = pthread_mutex_trylock(lock);
		if (err != EBUSY)
			return err;
	}
	do {
		sys_nanosleep(&nap);
		nap.tv_nsec = (long)min_u64(2 * (uint64_t)nap.tv_nsec, LOCK_NAP_MAX_NS);
		err = pthread_mutex_trylock(lock);
	} while (err == EBUSY && clock_mono_ns() < end);
	if (err == EBUSY)
		store_relaxed(&lock_impatient_until,
			      clock_mono_ns() + LOCK_IMPATIENCE_MS * UINT64_C(1000000));
	return err == EBUSY ? ETIMEDOUT : err;
}

int runtime_lock(pthread_mutex_t *lock)
{
	int err = pthread_mutex_trylock(lock);

	if (err == EBUSY)
		err = lock_wait(lock);
	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(lock);
	return -err;
}

void runtime_unlock(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
}
