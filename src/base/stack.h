/* SPDX-License-Identifier: MIT */
/*
 * Stacks: what addresses of frames tell of who is called by whom, and one of our own for work that
 * is deep.
 */
#ifndef BASE_STACK_H
#define BASE_STACK_H

#include <signal.h>
#include <stdbool.h>

#include "base/sys.h"

/* Frames that are farther apart are on different stacks. */
#define STACK_SAME (UINT64_C(8) << 20)

/*
 * Whether the caller stands on the alternate signal stack: there addresses tell nothing of who is
 * called by whom. With SS_AUTODISARM the kernel does not say so; stack_note() knows.
 */
bool stack_is_alternate(void);

/* The same, and it has little room, or how much is not known. */
bool stack_is_small(void);

/*
 * Whether the caller stands on the stack that its thread began with, as far as addresses tell:
 * neither a signal stack nor a coroutine's.
 */
bool stack_is_own(void);

/* The thread has set its alternate stack. Async-signal-safe. */
void stack_note(const stack_t *stack);

/* Whether all stacks that the process sets are noted. False until somebody says so. */
void stack_notes(bool all);

/*
 * Call fn(arg) on a stack of its own of 256 KiB, which is there for the length of the call: the
 * caller may stand on a signal stack of 8 KiB, or a coroutine's, that has nothing below it to tell
 * of its end. All signals but those of faults must be held back (critical.h): the program's
 * handlers would run there, and leave it by siglongjmp(). 0, or -ENOMEM: nothing was called.
 */
int stack_call(void (*fn)(void *arg), void *arg);

#endif
