/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a fault on either side. A program's bad buffer must give EFAULT, as from the kernel.
 * A failing image disk (SIGBUS in its mapping) must send the read to the origin.
 *
 * guard_copy() pushes a guard, which lies on the stack, on the thread's list. If a fault's address lies
 * inside the guarded ranges, the fault handler jumps back into guard_copy(). Without a handler it is a
 * plain copy.
 *
 * The kernel kills a thread that faults while it blocks the signal. So the thread's mask is checked before
 * its first copy and after guard_mask_changed(): if it blocks the two, its copies and its critical sections
 * open the mask while they last. A signal that somebody sent and that arrives meanwhile is sent to the
 * thread once more afterwards.
 *
 * siglongjmp() may leave a copy: its guard stays on the list, in stack memory that is then used for
 * something else. So the handler passes the stack pointer of the interrupted code, and a guard counts only
 * if it lies right above.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Call once a handler that calls guard_fault() is installed for SIGSEGV and SIGBUS. */
void guard_enable(void);

enum guard_mask { GUARD_MASK_UNKNOWN, GUARD_MASK_OPEN, GUARD_MASK_BLOCKED };
extern tls_initial uint8_t guard_mask; /* enum guard_mask, of this thread */

/* Call when the thread's mask may have begun to block the two. Async-signal-safe. */
static inline void guard_mask_changed(void)
{
	store_relaxed(&guard_mask, GUARD_MASK_UNKNOWN);
}

/*
 * For the handler: the signal `info` was sent, not raised by a fault. Returns true if the thread blocks it:
 * it is sent again when the thread unblocks it. `sp` is the stack pointer of the interrupted code.
 */
bool guard_postpone(int sig, const siginfo_t *info, uintptr_t sp);

/* Call in a fork child: the signals that were postponed are its parent's. */
void guard_fork_child(void);

/*
 * This thread is a helper. It does not block the two, because the kernel would kill the process for a
 * fault. A signal that is sent to the process and arrives here is sent on to the program's main thread.
 */
void guard_helper(void);

/*
 * A section that touches the image without guard_copy(). If the thread blocks the two, the section opens
 * them while it lasts; otherwise both functions do nothing.
 */
struct guard_window {
	uintptr_t seal; /* as a guard's seal */
	uint64_t mask;	/* the mask to restore */
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

/* The highest end of the kernel's access_ok(): no memory of a program lies beyond it. */
#if defined(__x86_64__)
#define GUARD_USER_END ((UINT64_C(1) << 47) - 4096)
#else
#define GUARD_USER_END (UINT64_C(1) << 48)
#endif

/* Whether [p, p + n) can be memory of a program. For other ranges the kernel returns EFAULT at once. */
static inline bool guard_range(const void *p, size_t n)
{
	return n <= GUARD_USER_END && (uintptr_t)p <= GUARD_USER_END - n;
}

/* Returns 0; -EFAULT: `dst` faulted; -EIO: `src` faulted. Bytes copied before a fault stay. */
int guard_copy(void *dst, const void *src, size_t n);

/* Whether both ranges hold the same bytes; false as well if either faults. */
bool guard_same(const void *bytes, const void *src, size_t n);

/* Does not return if the fault at `address` belongs to this thread's guard_copy() or guard_same(). */
bool guard_fault(const void *address);

/*
 * For the handler, around guard_fault(): put aside a guard that does not belong to the code that was
 * interrupted with the stack pointer `sp`. That guard may still be alive, on another stack.
 */
struct guard;
struct guard *guard_put_aside(uintptr_t sp);
void guard_take_back(struct guard *aside);

/* Call when siglongjmp() or cancellation has left a copy of this thread. */
void guard_recover(void);

#endif
