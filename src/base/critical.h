/* SPDX-License-Identifier: MIT */
/*
 * A section of code that no signal handler of this thread may interrupt, because it holds a lock: a handler
 * could call read(), enter the cache and wait for its own thread; or it could leave by siglongjmp() or
 * cancellation with the lock held. All signals are held back, glibc's own included, except those of faults:
 * the kernel kills a process that faults while they are blocked. If the thread blocks those, the section
 * opens them while it lasts: see guard.h.
 */
#ifndef BASE_CRITICAL_H
#define BASE_CRITICAL_H

#include <signal.h>

#include "base/compiler.h"
#include "base/sys.h"

struct critical {
	uint64_t mask;
};

static inline uint64_t critical_bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

#define CRITICAL_FAULTS (critical_bit(SIGBUS) | critical_bit(SIGSEGV))

/* For a thread that blocks SIGSEGV and SIGBUS: in guard.c. */
void critical_open(const struct critical *critical);
void critical_close(const struct critical *critical);

static inline void critical_enter(struct critical *critical)
{
	const uint64_t all = ~(CRITICAL_FAULTS | critical_bit(SIGILL) | critical_bit(SIGFPE));

	sys_sigprocmask(SIG_BLOCK, &all, &critical->mask);
	if (unlikely(critical->mask & CRITICAL_FAULTS))
		critical_open(critical);
}

static inline void critical_leave(const struct critical *critical)
{
	if (unlikely(critical->mask & CRITICAL_FAULTS))
		critical_close(critical);
	else
		sys_sigprocmask(SIG_SETMASK, &critical->mask, NULL);
}

#endif
