/* SPDX-License-Identifier: MIT */
/*
 * Single flight: of all processes and threads that miss the same chunk, one fetches it.
 *
 * A flight is a slot of the runtime's table, found by the chunk's key among a few neighbours.
 * The owner ends it when the chunk is published or given up; waiters sleep on its futex in
 * slices, and look in each whether the owner still lives. One that waited in vain marks the
 * flight slow, and nobody waits for it any more.
 */
#ifndef CORE_FLIGHT_H
#define CORE_FLIGHT_H

#include "core/cache.h"
#include "core/key.h"

enum flight_result {
	FLIGHT_OWNER, /* fetch it, then flight_end() */
	FLIGHT_ENDED, /* somebody else fetched it, or gave up: look again */
	FLIGHT_ALONE, /* no room, or too slow: read the origin, store nothing */
};

enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				struct flight **flight);
void flight_end(struct rawcache *cache, struct flight *flight);

/* The process of `slot` is dead: what it was fetching is free for others. */
void flight_abandon(struct rawcache *cache, uint32_t slot);

#endif
