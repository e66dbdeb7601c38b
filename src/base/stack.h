/* SPDX-License-Identifier: MIT */
/* Stacks: what the addresses of frames tell about who called whom, and a stack of our own for deep work. */
#ifndef BASE_STACK_H
#define BASE_STACK_H

#include <signal.h>
#include <stdbool.h>

#include "base/sys.h"

/* Frames that are farther apart lie on different stacks. */
#define STACK_SAME (UINT64_C(8) << 20)

/*
 * Whether the caller runs on the alternate signal stack, and its room is small or unknown. With
 * SS_AUTODISARM the kernel does not report it; stack_note() must have been called.
 */
bool stack_is_small(void);

/*
 * Whether the caller runs on the stack with which its thread began, as far as addresses tell: neither on a
 * signal stack nor on a coroutine's.
 */
bool stack_is_own(void);

/*
 * The same for sure, for what must not be wrong: a coroutine's stack may lie below a thread's descriptor, as the
 * thread's own would. Asks the kernel, unless it is the first thread's; false if it does not tell.
 */
bool stack_is_certain(void);

/* The thread has set its alternate stack. Async-signal-safe. */
void stack_note(const stack_t *stack);

/* Whether all alternate stacks of the process are noted; false until this is called. */
void stack_notes(bool all);

/*
 * Call fn(arg) on a stack of 256 KiB that exists for this call: the caller may run on a signal stack of 8
 * KiB, or on a coroutine's, whose end is not known. All signals but those of faults must be held back
 * (critical.h): handlers of the program would run on it and leave it by siglongjmp(). Returns 0, or -ENOMEM
 * if fn was not called.
 */
int stack_call(void (*fn)(void *arg), void *arg);

#endif
