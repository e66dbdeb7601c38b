/* SPDX-License-Identifier: MIT */
#ifndef SHIM_HOOKS_ROUTE_H
#define SHIM_HOOKS_ROUTE_H

#include <stdbool.h>

/* Carry out a syscall(2) that has to do with descriptors or mappings by its hook. `a` lies in the caller's frame. */
bool route_syscall(long number, const long *a, long *ret);

#endif
