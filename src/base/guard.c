/* SPDX-License-Identifier: MIT */
#include "base/guard.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/critical.h"
#include "base/stack.h"
#include "base/sys.h"

struct guard {
	void *context[5]; /* a buffer for __builtin_setjmp() */
	struct guard *outer;
	const char *dst, *src;
	size_t n;
	uintptr_t seal; /* tells a live guard from memory of a stack frame that siglongjmp() left */
};

static const uintptr_t GUARD_SEAL = (uintptr_t)0x72617763616368u;
static tls_initial struct guard *guard_top;

bool guard_enabled;
tls_initial uint8_t guard_mask;
static tls_initial struct guard_window *guard_window; /* lies on the stack */
/* the signals of the mask that a critical section opened */
static tls_initial uint64_t critical_opened;

/* SIGSEGV and SIGBUS that were sent while the program blocked them. */
static tls_initial struct {
	siginfo_t info[2];
	bool pending[2];
} postponed;

#define FAULTS CRITICAL_FAULTS
/* The stack that a memcpy() may need, a sanitizer's included. */
#define COPY_STACK 16384u

void guard_enable(void)
{
	store_relaxed(&guard_enabled, true);
}

static never_inline bool mask_blocks(void)
{
	uint64_t mask = 0;

	/* must be stored first: if a handler changes its mask in between, the mask is checked again */
	store_relaxed(&guard_mask, GUARD_MASK_OPEN);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_BLOCK, NULL, &mask);
	if (mask & FAULTS)
		store_relaxed(&guard_mask, GUARD_MASK_BLOCKED);
	return mask & FAULTS;
}

static inline bool window_needed(void)
{
	return guard_may_block() && mask_blocks();
}

static void window_open(struct guard_window *window)
{
	const uint64_t faults = FAULTS;

	window->seal = (uintptr_t)window ^ GUARD_SEAL;
	store_relaxed(&guard_window, window);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_UNBLOCK, &faults, &window->mask);
}

/* Send the postponed signals to this thread, which blocks them. */
static void postponed_send(void)
{
	static const int signals[2] = { SIGSEGV, SIGBUS };

	for (int i = 0; i < 2; i++) {
		if (likely(!postponed.pending[i]))
			continue;
		store_relaxed(&postponed.pending[i], false);
		SYS_CALL(__NR_rt_tgsigqueueinfo, sys_getpid(),
			 SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0), signals[i], &postponed.info[i], 0,
			 0);
	}
}

void guard_fork_child(void)
{
	postponed.pending[0] = postponed.pending[1] = false;
}

static void window_close(struct guard_window *window)
{
	sys_sigprocmask(SIG_SETMASK, &window->mask, NULL);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&guard_window, NULL);
	*(volatile uintptr_t *)&window->seal = 0;
	/* a handler that copied in between saw an open mask */
	store_relaxed(&guard_mask, GUARD_MASK_BLOCKED);
	postponed_send();
}

/* Between these two only the signal of a fault can interrupt the thread. */
void critical_open(const struct critical *critical)
{
	const uint64_t faults = critical->mask & FAULTS;

	if (!load_relaxed(&guard_enabled))
		return;
	store_relaxed(&critical_opened, faults);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_UNBLOCK, &faults, NULL);
}

void critical_close(const struct critical *critical)
{
	const uint64_t faults = FAULTS;

	sys_sigprocmask(SIG_BLOCK, &faults, NULL);
	store_relaxed(&critical_opened, 0);
	guard_mask_changed(); /* a copy in between saw an open mask */
	postponed_send();
	sys_sigprocmask(SIG_SETMASK, &critical->mask, NULL);
}

void guard_open(struct guard_window *window)
{
	window->opened = window_needed();
	if (window->opened)
		window_open(window);
}

void guard_close(struct guard_window *window)
{
	if (window->opened)
		window_close(window);
}

static tls_initial bool helping;

void guard_helper(void)
{
	helping = true;
}

/* Whether a window closes the signal again later. A window that lies below `sp` was left by a jump. */
static bool window_waits(int sig, uintptr_t sp)
{
	struct guard_window *window = guard_window;

	if (!window || window->seal != ((uintptr_t)window ^ GUARD_SEAL) ||
	    (sp > (uintptr_t)window && sp - (uintptr_t)window < STACK_SAME))
		return false;
	return window->mask & critical_bit(sig);
}

bool guard_postpone(int sig, const siginfo_t *info, uintptr_t sp)
{
	int i = sig == SIGBUS;

	/* a helper blocks no signal of a fault; one that was sent is meant for the program's threads */
	if (helping)
		return !SYS_CALL(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_getpid(), sig, info, 0,
				 0);
	if (!(critical_opened & critical_bit(sig)) && !window_waits(sig, sp))
		return false;
	postponed.info[i] = *info;
	postponed.pending[i] = true;
	return true;
}

static int copy(void *dst, const void *src, size_t n);

static never_inline int copy_in_window(void *dst, const void *src, size_t n)
{
	struct guard_window window;
	int err;

	window_open(&window);
	err = copy(dst, src, n);
	window_close(&window);
	return err;
}

int guard_copy(void *dst, const void *src, size_t n)
{
	if (unlikely(!guard_range(dst, n)))
		return -EFAULT;
	if (unlikely(!guard_range(src, n)))
		return -EIO;
	return window_needed() ? copy_in_window(dst, src, n) : copy(dst, src, n);
}

static int never_inline copy(void *dst, const void *src, size_t n)
{
	struct guard guard;

	guard.dst = dst;
	guard.src = src;
	guard.n = n;
	guard.outer = guard_top;
	guard.seal = (uintptr_t)&guard ^ GUARD_SEAL;
	if (__builtin_setjmp(guard.context)) {
		struct guard *g = guard_top;

		guard_top = g->outer;
		/* the handler left in n the side that faulted: 0 is dst, 1 is src */
		return g->n ? -EIO : -EFAULT;
	}
	store_relaxed(&guard_top, &guard);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(dst, src, n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&guard_top, guard.outer);
	/* volatile: the seal must be gone when this frame is */
	*(volatile uintptr_t *)&guard.seal = 0;
	return 0;
}

static bool never_inline same_bytes(const void *bytes, const void *src, size_t n)
{
	struct guard guard;
	volatile bool same = false;

	guard.dst = bytes;
	guard.src = src;
	guard.n = n;
	guard.outer = guard_top;
	guard.seal = (uintptr_t)&guard ^ GUARD_SEAL;
	if (__builtin_setjmp(guard.context)) {
		struct guard *g = guard_top;

		guard_top = g->outer;
		return false;
	}
	store_relaxed(&guard_top, &guard);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	same = !memcmp(bytes, src, n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&guard_top, guard.outer);
	*(volatile uintptr_t *)&guard.seal = 0;
	return same;
}

bool guard_same(const void *bytes, const void *src, size_t n)
{
	struct guard_window window;
	bool same;

	if (!guard_range(bytes, n))
		return false;
	if (!window_needed())
		return same_bytes(bytes, src, n);
	window_open(&window);
	same = same_bytes(bytes, src, n);
	window_close(&window);
	return same;
}

static bool guard_contains(const char *start, size_t n, const char *address)
{
	return (uintptr_t)address - (uintptr_t)start < n;
}

bool guard_fault(const void *address)
{
	struct guard *guard = guard_top;
	bool src;

	if (!guard || guard->seal != ((uintptr_t)guard ^ GUARD_SEAL))
		return false;
	src = guard_contains(guard->src, guard->n, address);
	if (!src && !guard_contains(guard->dst, guard->n, address))
		return false;
	guard->n = src;
	__builtin_longjmp(guard->context, 1);
}

struct guard *guard_put_aside(uintptr_t sp)
{
	struct guard *guard = guard_top;

	/* the stack frame in which it lay may be gone */
	if (!guard || (uintptr_t)guard - sp < COPY_STACK)
		return NULL;
	store_relaxed(&guard_top, NULL);
	return guard;
}

void guard_take_back(struct guard *aside)
{
	if (aside)
		store_relaxed(&guard_top, aside);
}

void guard_recover(void)
{
	store_relaxed(&guard_top, NULL);
}
