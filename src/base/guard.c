/* SPDX-License-Identifier: MIT */
#include "base/guard.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

struct guard {
	void *context[5]; /* of __builtin_setjmp */
	struct guard *outer;
	const char *dst, *src;
	size_t n;
	uintptr_t seal; /* tells a live guard from stack that was left by siglongjmp() */
};

static const uintptr_t GUARD_SEAL = (uintptr_t)0x72617763616368u;
static tls_initial struct guard *guard_top;

int never_inline guard_copy(void *dst, const void *src, size_t n)
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
		/* the handler left the side that faulted in n: 0 dst, 1 src */
		return g->n ? -EIO : -EFAULT;
	}
	store_relaxed(&guard_top, &guard);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(dst, src, n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&guard_top, guard.outer);
	*(volatile uintptr_t *)&guard.seal = 0; /* it matters when this frame is gone */
	return 0;
}

bool never_inline guard_same(const void *bytes, const void *src, size_t n)
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

static bool guard_contains(const char *start, size_t n, const char *address)
{
	return address >= start && address < start + n;
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
