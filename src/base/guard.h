/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a fault on either side: a program's bad buffer must give EFAULT as from
 * the kernel, and a failing image disk (SIGBUS in its mapping) must send the read to the
 * origin.
 *
 * A copy pushes a guard, on the stack, on the thread's list; a fault handler that finds the
 * fault address inside the guarded ranges jumps back into it. Without a handler the copy is
 * a plain one.
 *
 * The kernel kills a thread that faults while it blocks the signal. A thread that does is told by
 * its mask, which is looked at before its first copy and after guard_mask_changed(): its copies
 * open the mask for their length, and so do critical sections. A signal that somebody sent and that
 * comes through then is sent to the thread once more afterwards.
 *
 * A copy may be left by siglongjmp(): its guard stays on the list, in stack that means something else
 * by then. So a handler says where the stack of what it interrupted is, and a guard counts only
 * if it lies right above.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* A handler that calls guard_fault() is in place from now on, for SIGSEGV and SIGBUS. */
void guard_enable(void);

enum guard_mask { GUARD_MASK_UNKNOWN, GUARD_MASK_OPEN, GUARD_MASK_BLOCKED };
extern tls_initial uint8_t guard_mask; /* enum guard_mask, of this thread */

/* The thread's mask may block the two from now on. Async-signal-safe. */
static inline void guard_mask_changed(void)
{
	store_relaxed(&guard_mask, GUARD_MASK_UNKNOWN);
}

/*
 * For the handler: the signal `info` was sent, not raised by a fault. True: the thread blocks
 * it, and gets it again when it does not. `sp` is the stack pointer of what was interrupted.
 */
bool guard_postpone(int sig, const siginfo_t *info, uintptr_t sp);

/* The thread is a fork child's: what was postponed was its parent's. */
void guard_fork_child(void);

/*
 * This thread is a helper: it does not block the two, because the kernel would kill the process for a
 * fault; what is sent to the process and comes here is sent on to the program's main thread.
 */
void guard_helper(void);

/*
 * A stretch that touches the image without guard_copy(), in a thread that blocks the two: it is open
 * for them meanwhile. In other threads both do nothing.
 */
struct guard_window {
	uintptr_t seal; /* like a guard's */
	uint64_t mask;	/* to restore */
	bool opened;
};
extern bool guard_enabled;

static inline bool guard_may_block(void)
{
	return unlikely(load_relaxed(&guard_mask) != GUARD_MASK_OPEN) &&
	       load_relaxed(&guard_enabled);
}

void guard_open(struct guard_window *window);
void guard_close(struct guard_window *window);

/* Where the kernel's access_ok() ends at the latest: beyond it there is no memory of a program's. */
#if defined(__x86_64__)
#define GUARD_USER_END ((UINT64_C(1) << 47) - 4096)
#else
#define GUARD_USER_END (UINT64_C(1) << 48)
#endif

/* Whether [p, p + n) can be a program's memory. For what cannot, the kernel answers EFAULT at once. */
static inline bool guard_range(const void *p, size_t n)
{
	return n <= GUARD_USER_END && (uintptr_t)p <= GUARD_USER_END - n;
}

/* 0; -EFAULT: `dst` faulted; -EIO: `src` faulted. What was copied before a fault stays. */
int guard_copy(void *dst, const void *src, size_t n);

/* Whether both ranges hold the same bytes; false as well when either faults. */
bool guard_same(const void *bytes, const void *src, size_t n);

/* Does not return if the fault at `address` belongs to this thread's guard_copy() or guard_same(). */
bool guard_fault(const void *address);

/*
 * For the handler, around guard_fault(): a guard that is not that of the code which was interrupted
 * with the stack pointer `sp` is put aside. It may be alive still, on another stack.
 */
struct guard;
struct guard *guard_put_aside(uintptr_t sp);
void guard_take_back(struct guard *aside);

/* What the thread was copying was left by siglongjmp() or cancellation. */
void guard_recover(void);

#endif
