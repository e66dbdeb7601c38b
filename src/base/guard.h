/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a fault on either side: a program's bad buffer must give EFAULT as from
 * the kernel, and a failing image disk (SIGBUS in its mapping) must send the read to the
 * origin.
 *
 * A copy pushes a guard, on the stack, on the thread's list; a fault handler that finds the
 * fault address inside the guarded ranges jumps back into it. Without a handler the copy is
 * a plain one.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* 0; -EFAULT: `dst` faulted; -EIO: `src` faulted. What was copied before a fault stays. */
int guard_copy(void *dst, const void *src, size_t n);

/* Whether both ranges hold the same bytes; false as well when either faults. */
bool guard_same(const void *bytes, const void *src, size_t n);

/* Does not return if the fault at `address` belongs to this thread's guard_copy() or guard_same(). */
bool guard_fault(const void *address);

#endif
