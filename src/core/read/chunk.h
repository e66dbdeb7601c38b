/* SPDX-License-Identifier: MIT */
/* Where a chunk lies, and remembering it between reads. The caller holds a reference of the file (INV-5). */
#ifndef CORE_CHUNK_H
#define CORE_CHUNK_H

#include "core/origin/file.h"

/*
 * The place (file.h) of a cached chunk, verified if that is due; 0: it is not cached. It will be read from
 * `skip` to `end`.
 */
uint64_t chunk_find(struct rawcache *cache, const struct file *file, uint64_t number, uint32_t skip,
		    uint32_t end);

/* The same for a caller that has the chunk's key, or NULL. */
uint64_t chunk_find_from(struct rawcache *cache, const struct file *file, uint64_t number,
			 uint32_t skip, uint32_t end, const struct key *key);

/*
 * Look up the chunk with `key` for a read from `skip` to `end`. Returns its place, verified if that is due,
 * or 0. The place is remembered once the chunk counts as visited.
 */
uint64_t chunk_locate(struct rawcache *cache, const struct file *file, uint64_t number,
		      const struct key *key, uint32_t skip, uint32_t end);

#endif
