/* SPDX-License-Identifier: MIT */
/* How long instructions of x86-64 are, and what the last of some set the register to that has a call's number. */
#ifndef SHIM_CODE_DECODE_H
#define SHIM_CODE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decode from `p` on. True: an instruction begins at `at`; *number is what eax has there, if that can be told, and
 * else what it was before. What cannot be told for sure counts as unknown: UINT32_MAX. Nothing behind at + 1 is read.
 */
bool decode_walk(const unsigned char *p, const unsigned char *at, uint32_t *number);

/* Whether what begins at `p` looks like code, for a few instructions. */
bool decode_goes_on(const unsigned char *p, const unsigned char *end);

#endif
