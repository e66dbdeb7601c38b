/* SPDX-License-Identifier: MIT */
/*
 * Whether machine code has a system call instruction of its own that may concern descriptors or files.
 *
 * On x86 the two bytes of the instruction are found in any code, as parts of others, once in some hundred KiB. So
 * what stands before them is decoded, from each of the places where an instruction may begin: whatever begins
 * wrongly falls in with the right ones after a few. If most of them come to the two bytes as an instruction, it is
 * one. What its number is, is told by the last instruction that sets the register: calls that wait, lock or ask for
 * the time are left alone; a number that comes from elsewhere may be any.
 */
#ifndef SHIM_CODE_SCAN_H
#define SHIM_CODE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Of the code [p, p + n): whether one begins in [from, to). */
bool code_scan(const unsigned char *p, size_t n, size_t from, size_t to);

#endif
