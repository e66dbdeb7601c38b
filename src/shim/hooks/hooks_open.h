/* SPDX-License-Identifier: MIT */
/* The open family, by number. */
#ifndef SHIM_HOOKS_OPEN_H
#define SHIM_HOOKS_OPEN_H

#include <stdbool.h>

/* False: it is not one of them. */
bool open_number(long number, const long *a, long *ret);

#endif
