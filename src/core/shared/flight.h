/* SPDX-License-Identifier: MIT */
/*
 * Single flight: of all processes and threads that miss the same chunk, one fetches it.
 *
 * A flight is a slot of the runtime's table, found by the chunk's key among a few neighbours.
 * The owner ends it when the chunk is published or given up; waiters sleep on its futex in
 * slices, and look in each whether the owner still lives. One that waited in vain marks the
 * flight slow, and nobody waits for it any more. If the owner did nothing about any of its flights
 * meanwhile, it is stalled: stopped, perhaps, with dozens of chunks under way. Then nobody waits for
 * the others either, until it takes the next step.
 *
 * A chunk that is read ahead without helper threads has an owner that does something else
 * meanwhile, perhaps for long: one that needs the chunk waits a little, and takes the flight
 * over. So a claim can be lost, and its owner asks before it publishes.
 *
 * The owner can tell where the first bytes lie already (flight_ready()): a waiter whose bytes
 * are among them need not wait for the rest.
 */
#ifndef CORE_FLIGHT_H
#define CORE_FLIGHT_H

#include "core/shared/cache.h"
#include "core/image/key.h"

/* A flight that is ours, as it was when we claimed it. flight NULL: none. */
struct claim {
	struct flight *flight;
	uint64_t claim;
	uint64_t ready;
	uint64_t life;
};

enum flight_result {
	FLIGHT_OWNER, /* fetch it, then flight_end() */
	FLIGHT_ENDED, /* somebody else fetched it, or gave up: look again */
	FLIGHT_READY, /* the bytes that are needed lie at *need->place */
	FLIGHT_ALONE, /* no room, or too slow: read the origin, store nothing */
};

/* What a waiter would be content with: so many bytes from the start, and where they lie then. */
struct flight_need {
	uint32_t bytes;
	uint64_t *place; /* as in struct chunk: see file.h */
};

/* Claim the flight of `key`, or wait for its end, or until it is far enough. */
enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				const struct flight_need *need, struct claim *claim);

/* Claim it to read ahead; false: somebody else has it, or there is no room. */
bool flight_try(struct rawcache *cache, const struct key *key, struct claim *claim);

/* The owner looks after it now; or does not, until somebody comes by. */
void flight_attend(const struct claim *claim);
void flight_neglect(const struct claim *claim);

/* Whether the claim was not lost. */
bool flight_mine(const struct claim *claim);

/* For a claim that is ours: `pages` pages from the start of the chunk are written at `page`. */
void flight_ready(struct rawcache *cache, struct claim *claim, uint32_t page, uint32_t generation,
		  uint32_t pages);

void flight_end(struct rawcache *cache, struct claim *claim);

/* The process of `slot` is dead: what it was fetching is free for others. */
void flight_abandon(struct rawcache *cache, uint32_t slot);

#endif
