/* SPDX-License-Identifier: MIT */
/* Sizes as people write them: 4096, 64K, 10G. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Parse a size with an optional suffix K, M, G or T (powers of 1024, either case, an optional
 * B or iB behind it). The whole string must be a size. Returns 0, -EINVAL or -ERANGE.
 */
int size_parse(const char *text, uint64_t *size);

/* Parse a non-negative decimal number with at most three decimals, in thousandths. */
int milli_parse(const char *text, uint64_t *milli);

/* Write `size` as people read it: "512", "64K", "1.5G". Returns buf. */
char *size_format(uint64_t size, char *buf, size_t n);

#endif
