/* SPDX-License-Identifier: MIT */
/*
 * A stretch of code that no signal handler of this thread may interrupt, because it holds a
 * lock: a handler could read() into us and wait for its own thread, or leave by siglongjmp()
 * or cancellation with the lock held. All signals are held back, glibc's own included.
 */
#ifndef BASE_CRITICAL_H
#define BASE_CRITICAL_H

#include <signal.h>

#include "base/sys.h"

struct critical {
	uint64_t mask;
};

static inline void critical_enter(struct critical *critical)
{
	uint64_t all = ~UINT64_C(0);

	sys_sigprocmask(SIG_SETMASK, &all, &critical->mask);
}

static inline void critical_leave(const struct critical *critical)
{
	sys_sigprocmask(SIG_SETMASK, &critical->mask, NULL);
}

#endif
