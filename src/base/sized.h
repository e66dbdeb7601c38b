/* SPDX-License-Identifier: MIT */
/*
 * Structs that programs built with other versions of the headers pass in and out. They only grow, at their
 * end, as the kernel's extensible system calls require it.
 */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * Copy a caller's struct of `theirs_size` bytes into ours; fields that it lacks become zero. -E2BIG: it
 * sets a field that this version does not know.
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

/* Copy our struct to a caller's of `theirs_size` bytes; fields that this version lacks become zero. */
static inline void sized_out(void *theirs, size_t theirs_size, const void *ours, size_t size)
{
	memcpy(theirs, ours, theirs_size < size ? theirs_size : size);
	if (theirs_size > size)
		memset((char *)theirs + size, 0, theirs_size - size);
}

#endif
