/* SPDX-License-Identifier: MIT */
/* What addresses of frames tell of who is called by whom. */
#ifndef BASE_STACK_H
#define BASE_STACK_H

#include <signal.h>
#include <stdbool.h>

#include "base/sys.h"

/* Frames that are farther apart are on different stacks. */
#define STACK_SAME (UINT64_C(8) << 20)

/* The alternate signal stack may lie anywhere: there addresses tell nothing. */
static inline bool stack_is_alternate(void)
{
	stack_t stack;

	return !SYS_CALL(__NR_sigaltstack, NULL, &stack, 0, 0, 0, 0) &&
	       stack.ss_flags & SS_ONSTACK;
}

#endif
