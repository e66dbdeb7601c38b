/* SPDX-License-Identifier: MIT */
/*
 * A section of code that no signal handler of this thread may interrupt, because it holds a lock: a handler
 * could call read(), enter the cache and wait for its own thread; or it could leave by siglongjmp() or
 * cancellation with the lock held. All signals are held back, glibc's own included, except those of faults:
 * the kernel kills a process that faults while they are blocked. If the thread blocks those, the section
 * opens them while it lasts: see fault_mask.h.
 */
#ifndef BASE_CRITICAL_H
#define BASE_CRITICAL_H

#include <signal.h>

#include "base/compiler.h"
#include "base/fault_mask.h"
#include "base/sys.h"

struct critical {
	uint64_t mask;
};

static inline void critical_enter(struct critical *critical)
{
	const uint64_t all = ~(FAULT_SIGNALS | signal_bit(SIGILL) | signal_bit(SIGFPE));

	critical->mask = 0;
	if (fault_mask_held)
		return;
	sys_sigprocmask(SIG_BLOCK, &all, &critical->mask);
	if (unlikely(critical->mask & FAULT_SIGNALS))
		fault_section_open(critical->mask);
}

static inline void critical_leave(const struct critical *critical)
{
	if (fault_mask_held)
		return;
	if (unlikely(critical->mask & FAULT_SIGNALS))
		fault_section_close(critical->mask);
	else
		sys_sigprocmask(SIG_SETMASK, &critical->mask, NULL);
}

#endif
