/* SPDX-License-Identifier: MIT */
/* The calls that return new descriptors, by number. */
#ifndef SHIM_HOOKS_NEWFD_H
#define SHIM_HOOKS_NEWFD_H

#include <stdbool.h>

/* False: it is not one of them. */
bool newfd_syscall(long number, const long *a, long *ret);

#endif
