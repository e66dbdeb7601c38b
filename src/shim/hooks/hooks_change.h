/* SPDX-License-Identifier: MIT */
/* The calls that change names and attributes, by number. */
#ifndef SHIM_HOOKS_CHANGE_H
#define SHIM_HOOKS_CHANGE_H

/* Call before syscall(2) makes a call of this number, with these arguments: the hooks by name do the same. */
void change_number(long number, const long *a);

#endif
