/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <limits.h>

static uint64_t state;

void draw_seed(uint64_t seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

long draw_of(const long *values, size_t n)
{
	return values[draw(n)];
}

size_t draw_small(void)
{
	switch (draw(6)) {
	case 0:
		return draw(3);
	case 1:
		return PAGE;
	case 2:
		return draw(64);
	default:
		return draw(ROOM / 2);
	}
}

size_t draw_count(void)
{
	static const size_t edges[] = { 0,
					FILE_SIZE,
					FILE_SIZE + 1,
					INT_MAX - PAGE + 1,
					INT_MAX,
					(size_t)INT_MAX + 1,
					UINT_MAX,
					SSIZE_MAX - PAGE,
					SSIZE_MAX,
					(size_t)SSIZE_MAX + 1,
					SIZE_MAX - PAGE,
					SIZE_MAX - 1,
					SIZE_MAX };

	return draw(3) ? draw_small() : edges[draw(sizeof(edges) / sizeof(edges[0]))];
}

off_t draw_offset(void)
{
	static const off_t edges[] = { -1,
				       -2,
				       -(off_t)PAGE,
				       LLONG_MIN,
				       LLONG_MAX,
				       LLONG_MAX - 1,
				       LLONG_MAX - 4096,
				       LLONG_MAX - INT_MAX,
				       FILE_SIZE,
				       FILE_SIZE - 1,
				       FILE_SIZE + 1,
				       (off_t)1 << 44,
				       (off_t)1 << 32 };

	switch (draw(4)) {
	case 0:
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return (off_t)(draw(FILE_SIZE / PAGE) * PAGE);
	default:
		return (off_t)draw(FILE_SIZE);
	}
}

enum pointer draw_pointer(void)
{
	return draw(4) ? POINTER_GOOD : (enum pointer)draw(POINTER_FIXED + 1);
}
