/* SPDX-License-Identifier: MIT */
#include "unit/moment.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __thread struct {
	unsigned int left;
	void (*step)(void *arg);
	void *arg;
} moments[MOMENT_COUNT];

static __thread unsigned int locks_held;

void moment_set(enum moment moment, unsigned int n, void (*step)(void *arg), void *arg)
{
	moments[moment].step = step;
	moments[moment].arg = arg;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* step() may be a signal handler's work */
	moments[moment].left = n;
}

bool moment_came(enum moment moment)
{
	bool came = !moments[moment].left;

	moments[moment].left = 0;
	return came;
}

static void moment_pass(enum moment moment)
{
	if (moments[moment].left && !--moments[moment].left)
		moments[moment].step(moments[moment].arg);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	moment_pass(MOMENT_CLOCK);
	return result;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	static int (*next)(pthread_mutex_t * mutex);
	int err;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_trylock");
	/* with one lock held a step could only wait for its own thread */
	if (!locks_held)
		moment_pass(MOMENT_LOCK);
	err = next(mutex);
	locks_held += !err || err == EOWNERDEAD;
	return err;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*next)(pthread_mutex_t * mutex);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	moment_pass(MOMENT_MUTEX);
	return next(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	static int (*next)(pthread_mutex_t * mutex);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_unlock");
	locks_held -= locks_held > 0;
	return next(mutex);
}

char *secure_getenv(const char *name)
{
	moment_pass(MOMENT_BOOT_ID);
	return getenv(name);
}
