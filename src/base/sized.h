/* SPDX-License-Identifier: MIT */
/*
 * Structs that programs built with other versions of the headers pass in and out: they only grow, at
 * their end. The rule is that of the kernel's extensible system calls.
 */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * Read a caller's struct of `theirs_size` bytes into ours: what it lacks is zero. -E2BIG: it sets
 * something that this version does not know.
 */
static inline int sized_in(void *ours, size_t size, const void *theirs, size_t theirs_size)
{
	const char *rest = (const char *)theirs;

	for (size_t i = size; i < theirs_size; i++)
		if (rest[i])
			return -E2BIG;
	memset(ours, 0, size);
	memcpy(ours, theirs, theirs_size < size ? theirs_size : size);
	return 0;
}

/* Give ours to a caller whose struct has `theirs_size` bytes: what this version lacks is zero there. */
static inline void sized_out(void *theirs, size_t theirs_size, const void *ours, size_t size)
{
	memcpy(theirs, ours, theirs_size < size ? theirs_size : size);
	if (theirs_size > size)
		memset((char *)theirs + size, 0, theirs_size - size);
}

#endif
