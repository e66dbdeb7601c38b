/* SPDX-License-Identifier: MIT */
/*
 * Numbers printed by hand where snprintf() may not be called, or would touch pages of libc that a program which starts
 * does not.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdint.h>

/* At most 10 characters at `p`, without a terminator. Returns their end. */
static inline char *decimal_print(char *p, uint32_t n)
{
	char digits[10]; /* of 2^32 */
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*p++ = digits[--i];
	return p;
}

#endif
