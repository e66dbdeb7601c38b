/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a fault on either side. A program's bad buffer must give EFAULT, as from the kernel.
 * A failing image disk (SIGBUS in its mapping) must send the read to the origin.
 *
 * guard_copy() pushes a guard, which lies on the stack, on the thread's list. If a fault's address lies
 * inside the guarded ranges, the fault handler jumps back into guard_copy(). Without a handler it is a
 * plain copy.
 *
 * A thread that blocks the two signals opens them while a copy lasts: see fault_mask.h.
 *
 * siglongjmp() may leave a copy: its guard stays on the list, in stack memory that is then used for
 * something else. So the handler passes the stack pointer of the interrupted code, and a guard counts only
 * if it lies right above.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

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

/* The same, if guard_range() is true of both sides, and fault_mask_may_block() false: see fault_mask.h. */
int guard_copy_open(void *dst, const void *src, size_t n);

/* Whether both ranges hold the same bytes; false as well if either faults. */
bool guard_same(const void *bytes, const void *src, size_t n);

/* Does not return if the fault at `address` belongs to this thread's guard_copy() or guard_same(). */
bool guard_fault(const void *address);

/*
 * For the handler, around guard_fault(): put aside a guard that does not belong to the code that was
 * interrupted with the stack pointer `sp`. That guard may still be alive, on another stack.
 */
struct guard;
struct guard *guard_suspend(uintptr_t sp);
void guard_resume(struct guard *suspended);

/* Call when siglongjmp() or cancellation has left a copy of this thread. */
void guard_recover(void);

#endif
