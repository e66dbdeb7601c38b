/* SPDX-License-Identifier: MIT */
/*
 * Ghosts: keys of extents that were dropped from the probation log recently (S3-FIFO; J. Yang and others,
 * 2023). An extent that is stored again while it has a ghost goes to the main log. Ghosts lie in a table in
 * the runtime segment, without a lock: each key has eight places, of 32 bits of the key and the order of
 * the region that was open at the time. A ghost is forgotten when as many regions were opened since as the
 * image has, or when another ghost takes its place. A false ghost costs a little room.
 */
#ifndef CORE_GHOST_H
#define CORE_GHOST_H

#include "core/shared/cache.h"
#include "core/image/key.h"

void ghost_note(struct rawcache *cache, const struct key *key);

/* Whether the key has a ghost, which is removed. */
bool ghost_take(struct rawcache *cache, const struct key *key);

/* The log that an extent of this key belongs to. */
static inline enum region_log ghost_log(struct rawcache *cache, const struct key *key)
{
	return ghost_take(cache, key) ? REGION_MAIN : REGION_PROBATION;
}

#endif
