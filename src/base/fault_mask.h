/* SPDX-License-Identifier: MIT */
/*
 * Threads that block SIGSEGV and SIGBUS. The kernel kills a thread that faults while it blocks the signal. So the
 * thread's mask is checked before its first copy out of the image and after fault_mask_changed(): if it blocks the
 * two, its copies (guard.h) and its critical sections (critical.h) open the mask while they last. A signal that
 * somebody sent and that arrives meanwhile is sent to the thread once more afterwards.
 */
#ifndef BASE_FAULT_MASK_H
#define BASE_FAULT_MASK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

static inline uint64_t signal_bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

#define FAULT_SIGNALS (signal_bit(SIGBUS) | signal_bit(SIGSEGV))

/* Call once a handler that calls guard_fault() is installed for SIGSEGV and SIGBUS. */
void fault_mask_enable(void);

enum fault_mask { FAULT_MASK_UNKNOWN, FAULT_MASK_OPEN, FAULT_MASK_BLOCKED };
extern tls_initial uint8_t fault_mask; /* enum fault_mask, of this thread */
extern bool fault_mask_enabled;

/* Call when the thread's mask may have begun to block the two. Async-signal-safe. */
static inline void fault_mask_changed(void)
{
	store_relaxed(&fault_mask, FAULT_MASK_UNKNOWN);
}

static inline bool fault_mask_may_block(void)
{
	return unlikely(load_relaxed(&fault_mask) != FAULT_MASK_OPEN) &&
	       load_relaxed(&fault_mask_enabled);
}

/*
 * For the handler: the signal `info` was sent, not raised by a fault. Returns true if the thread blocks it:
 * it is sent again when the thread unblocks it. `sp` is the stack pointer of the interrupted code.
 */
bool fault_postpone(int sig, const siginfo_t *info, uintptr_t sp);

/* Call in a fork child: the signals that were postponed are its parent's. */
void fault_mask_fork_child(void);

/*
 * This thread is a helper. It does not block the two, because the kernel would kill the process for a
 * fault. A signal that is sent to the process and arrives here is sent on to the program's main thread.
 */
void fault_mask_helper(void);

/*
 * Whether this thread holds back all other signals as long as it lives, so that its critical sections need not. Two
 * of glibc's own are not held back: the one that cancels a thread, and the one that gives each thread the program's
 * new rights. Nobody cancels a helper, and the handler of the other takes no lock.
 */
extern tls_initial bool fault_mask_held;

/* --- sections that touch the image */

struct fault_window {
	uintptr_t
		seal;  /* tells a live window from memory of a stack frame that siglongjmp() left */
	uint64_t mask; /* the mask to restore */
	bool opened;
};

/* If the thread blocks the two, the section opens them while it lasts; otherwise both functions do nothing. */
void fault_window_open(struct fault_window *window);
void fault_window_close(struct fault_window *window);

/*
 * The same in two steps: fault_window_needed() tells whether the thread blocks the two; if so, begin and end the
 * window.
 */
bool fault_window_needed_slow(void);
static inline bool fault_window_needed(void)
{
	return fault_mask_may_block() && fault_window_needed_slow();
}
void fault_window_begin(struct fault_window *window);
void fault_window_end(struct fault_window *window);

/* For sections in which all other signals are blocked, and `mask`, which the thread had before, blocks the two. */
void fault_section_open(uint64_t mask);
void fault_section_close(uint64_t mask);

#endif
