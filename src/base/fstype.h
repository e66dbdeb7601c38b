/* SPDX-License-Identifier: MIT */
/* Types of file systems, as statfs(2) tells them. */
#ifndef BASE_FSTYPE_H
#define BASE_FSTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

static inline bool fstype_among(const struct statfs *fs, const uint32_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint32_t)fs->f_type == types[i])
			return true;
	return false;
}

#endif
