/* SPDX-License-Identifier: MIT */
/* The calls of io_uring and of the kernel's asynchronous I/O, by number. */
#ifndef SHIM_HOOKS_RING_H
#define SHIM_HOOKS_RING_H

#include <stdbool.h>

/* False: it is not one of them. */
bool ring_syscall(long number, const long *a, long *ret);

#endif
