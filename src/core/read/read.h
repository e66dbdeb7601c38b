/* SPDX-License-Identifier: MIT */
/* What others use of the way down that a read takes: see read.c. */
#ifndef CORE_READ_H
#define CORE_READ_H

#include "core/origin/file.h"

/*
 * The place (file.h) of a chunk that is in the cache, verified where that is due; 0: it is not.
 * It will be read from `skip` to `end`. The caller holds a reference of the object, as for the
 * next.
 */
uint64_t chunk_find(struct rawcache *cache, const struct file *file, uint64_t number,
		    uint32_t skip, uint32_t end);

/* Fetch the chunk into the cache with all its bytes, as a read of it does. False: no luck. */
bool chunk_fetch_now(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
		     uint64_t number);

#endif
