/* SPDX-License-Identifier: MIT */
/*
 * Decodes the length of x86-64 instructions, and the value that the last of several leaves in the register
 * that holds a system call's number.
 */
#ifndef SHIM_CODE_DECODE_H
#define SHIM_CODE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decode from `p` on. Returns true if an instruction begins at `at`; *number is then the value of eax there
 * if it can be told, or unchanged. What cannot be told for sure counts as unknown: UINT32_MAX. Nothing
 * behind at + 1 is read.
 */
bool decode_walk(const unsigned char *p, const unsigned char *at, uint32_t *number);

/* Whether the bytes at `p` look like code, for a few instructions. */
bool decode_goes_on(const unsigned char *p, const unsigned char *end);

#endif
