/* SPDX-License-Identifier: MIT */
/* What others use of the way down that a read takes: see read.c. */
#ifndef CORE_READ_H
#define CORE_READ_H

#include "core/origin/file.h"

/*
 * Fetch the chunk into the cache with all its bytes, as a read of it does. False: no luck. The caller holds a
 * reference of the file.
 */
bool chunk_fetch_now(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
		     uint64_t number);

#endif
