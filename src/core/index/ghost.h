/* SPDX-License-Identifier: MIT */
/*
 * Ghosts: keys of what was dropped from the probation log not long ago (S3-FIFO; J. Yang and
 * others, 2023). An extent that is stored again while its ghost is there goes to the main log.
 *
 * A table in the runtime segment, without a lock: eight places for each key, of 32 bits of the key
 * and the order of the region that was open at the time. A ghost is forgotten when as many regions
 * were opened since as there are, or another needs its place. A wrong one costs a little room.
 */
#ifndef CORE_GHOST_H
#define CORE_GHOST_H

#include "core/shared/cache.h"
#include "core/image/key.h"

void ghost_note(struct rawcache *cache, const struct key *key);

/* Whether the key has a ghost. Removes it. */
bool ghost_take(struct rawcache *cache, const struct key *key);

/* The log that an extent of this key belongs to. */
static inline enum region_log ghost_log(struct rawcache *cache, const struct key *key)
{
	return ghost_take(cache, key) ? REGION_MAIN : REGION_PROBATION;
}

#endif
