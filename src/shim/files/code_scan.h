/* SPDX-License-Identifier: MIT */
/*
 * Whether machine code contains a system call instruction that may concern descriptors or files.
 *
 * On x86 the two bytes of the instruction occur in any code as parts of others, once in some hundred KiB.
 * So the bytes before them are decoded from each place where an instruction may begin: a wrong start joins
 * the right instructions after a few. If most starts reach the two bytes as an instruction, they are one.
 * Its number comes from the last instruction that sets the register: calls that wait, lock or ask for the
 * time are ignored; a number that comes from elsewhere may be any.
 */
#ifndef SHIM_CODE_SCAN_H
#define SHIM_CODE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether such an instruction begins in [from, to) of the code [p, p + n). */
bool code_scan(const unsigned char *p, size_t n, size_t from, size_t to);

#endif
