/* SPDX-License-Identifier: MIT */
/* What hooks_syscall.c needs of hooks_signal.c. */
#ifndef SHIM_HOOKS_SIGNAL_H
#define SHIM_HOOKS_SIGNAL_H

#include <stdbool.h>

/* Calls by number that set dispositions, masks and signal stacks: true if this was one, with its result. */
bool signal_syscall(long number, const long *a, long *ret);

#endif
