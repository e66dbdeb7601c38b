/* SPDX-License-Identifier: MIT */
/*
 * What a thread is doing inside the shim, in one word of initial-exec TLS.
 *
 * A signal handler can interrupt a hook and call another one in the same thread; that inner
 * call keeps out of the cache and goes to the kernel, after settling the position. The word
 * holds the frame address of the hook at work, so that a hook that was left by siglongjmp()
 * or cancellation is not waited for: a frame at the same or a higher address of the same stack can
 * only be a call made after the old one was abandoned. On another stack than the thread's own
 * (sigaltstack, coroutines) the two cannot be told apart; there the call counts as an inner one, which
 * is always correct.
 *
 * In a child made by vfork(), which runs on this thread's TLS in the parent's memory, the word
 * is THREAD_FOREIGN: the descriptor table describes the parent, so every hook passes through.
 */
#ifndef SHIM_THREAD_H
#define SHIM_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/stack.h"

#define THREAD_FOREIGN 1u /* a bit */

extern tls_initial uintptr_t thread_frame;

static inline bool thread_is_foreign(void)
{
	return thread_frame == THREAD_FOREIGN;
}

static inline bool thread_abandoned(uintptr_t outer, uintptr_t frame)
{
	return outer != THREAD_FOREIGN && frame - outer < STACK_SAME;
}

/* Release what a hook held that siglongjmp() or cancellation left. */
void thread_give_back(void);

/*
 * Returns true if, as far as frames tell, siglongjmp() left the earlier hook: it is ended. Returns false on
 * another stack than the thread's own, which may lie anywhere: there this call is an inner one.
 */
bool thread_recover(void);

/* Enter a hook. False: this call is an inner one, or made by a vfork child. True owes a thread_leave(). */
static inline __attribute__((always_inline)) bool thread_enter(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t outer = thread_frame;

	if (unlikely(outer) && (!thread_abandoned(outer, frame) || !thread_recover()))
		return false;
	store_relaxed(&thread_frame, frame);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return true;
}

static inline void thread_leave(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&thread_frame, 0);
}

#endif
