/* SPDX-License-Identifier: MIT */
/* Arithmetic on numbers that may come from damaged or hostile memory. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* True when [offset, offset + length) lies inside [0, limit). */
static inline bool range_inside(uint64_t offset, uint64_t length, uint64_t limit)
{
	return offset <= limit && length <= limit - offset;
}

static inline bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* `align` is a power of two; the caller knows that the sum does not overflow. */
static inline uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static inline uint64_t round_down(uint64_t n, uint64_t align)
{
	return n & ~(align - 1);
}

static inline uint64_t div_up(uint64_t n, uint64_t by)
{
	return (n + by - 1) / by;
}

static inline unsigned int log2_floor(uint64_t n)
{
	return 63 - (unsigned int)__builtin_clzll(n | 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
