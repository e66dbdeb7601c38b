/* SPDX-License-Identifier: MIT */
#include "base/guard.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/fault_mask.h"

struct guard {
	void *context[5]; /* a buffer for __builtin_setjmp() */
	struct guard *outer;
	const char *dst, *src;
	size_t n;
	uintptr_t seal; /* tells a live guard from memory of a stack frame that siglongjmp() left */
};

static const uintptr_t GUARD_SEAL = (uintptr_t)0x72617763616368u;
static tls_initial struct guard *guard_top;

/* The stack that a memcpy() may need, a sanitizer's included. */
#define COPY_STACK 16384u

static never_inline int copy_in_window(void *dst, const void *src, size_t n)
{
	struct fault_window window;
	int err;

	fault_window_begin(&window);
	err = guard_copy_open(dst, src, n);
	fault_window_end(&window);
	return err;
}

int guard_copy(void *dst, const void *src, size_t n)
{
	if (unlikely(!guard_range(dst, n)))
		return -EFAULT;
	if (unlikely(!guard_range(src, n)))
		return -EIO;
	return fault_window_needed() ? copy_in_window(dst, src, n) : guard_copy_open(dst, src, n);
}

static inline __attribute__((always_inline)) void guard_make(struct guard *guard, const void *dst,
							     const void *src, size_t n)
{
	guard->dst = dst;
	guard->src = src;
	guard->n = n;
	guard->outer = guard_top;
	guard->seal = (uintptr_t)guard ^ GUARD_SEAL;
}

/* After __builtin_setjmp(), which must stand in the function that lives while the bytes are touched. */
static inline __attribute__((always_inline)) void guard_push(struct guard *guard)
{
	store_relaxed(&guard_top, guard);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline __attribute__((always_inline)) void guard_pop(struct guard *guard)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&guard_top, guard->outer);
	/* volatile: the seal must be gone when this frame is */
	*(volatile uintptr_t *)&guard->seal = 0;
}

int never_inline guard_copy_open(void *dst, const void *src, size_t n)
{
	struct guard guard;

	guard_make(&guard, dst, src, n);
	if (__builtin_setjmp(guard.context)) {
		struct guard *g = guard_top;

		guard_top = g->outer;
		/* the handler left in n the side that faulted: 0 is dst, 1 is src */
		return g->n ? -EIO : -EFAULT;
	}
	guard_push(&guard);
	memcpy(dst, src, n);
	guard_pop(&guard);
	return 0;
}

static bool never_inline same_bytes(const void *bytes, const void *src, size_t n)
{
	struct guard guard;
	volatile bool same = false;

	guard_make(&guard, bytes, src, n);
	if (__builtin_setjmp(guard.context)) {
		struct guard *g = guard_top;

		guard_top = g->outer;
		return false;
	}
	guard_push(&guard);
	same = !memcmp(bytes, src, n);
	guard_pop(&guard);
	return same;
}

bool guard_same(const void *bytes, const void *src, size_t n)
{
	struct fault_window window;
	bool same;

	if (!guard_range(bytes, n))
		return false;
	if (!fault_window_needed())
		return same_bytes(bytes, src, n);
	fault_window_begin(&window);
	same = same_bytes(bytes, src, n);
	fault_window_end(&window);
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

struct guard *guard_suspend(uintptr_t sp)
{
	struct guard *guard = guard_top;

	/* the stack frame in which it lay may be gone */
	if (!guard || (uintptr_t)guard - sp < COPY_STACK)
		return NULL;
	store_relaxed(&guard_top, NULL);
	return guard;
}

void guard_resume(struct guard *suspended)
{
	if (suspended)
		store_relaxed(&guard_top, suspended);
}

void guard_recover(void)
{
	store_relaxed(&guard_top, NULL);
}
