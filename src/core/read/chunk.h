/* SPDX-License-Identifier: MIT */
/*
 * Where a chunk lies, and what is remembered of that between reads. The caller holds a reference of the file (INV-5).
 */
#ifndef CORE_CHUNK_H
#define CORE_CHUNK_H

#include "core/origin/file.h"

/*
 * The place (file.h) of a chunk that is in the cache, verified where that is due; 0: it is not.
 * It will be read from `skip` to `end`.
 */
uint64_t chunk_find(struct rawcache *cache, const struct file *file, uint64_t number, uint32_t skip,
		    uint32_t end);

/*
 * Look the chunk, whose key is `key`, up for a read from `skip` to `end` of it; its place, verified where that is due,
 * or 0. Where it lies is remembered once it counts as visited.
 */
uint64_t chunk_locate(struct rawcache *cache, const struct file *file, uint64_t number,
		      const struct key *key, uint32_t skip, uint32_t end);

#endif
