/* SPDX-License-Identifier: MIT */
/*
 * Single flight: of all processes and threads that miss the same chunk, one fetches it.
 *
 * A flight is a slot of the runtime's table, found by the chunk's key among a few neighbours.
 * The owner ends it when the chunk is published or given up. Waiters sleep on its futex in slices,
 * and after each slice they check that the owner still lives. A waiter that times out
 * (FLIGHT_PATIENCE_MS) marks the flight slow: nobody waits for it any more. If the owner made no
 * progress on any of its flights meanwhile, it is stalled: it may be stopped with dozens of chunks
 * under way. Then nobody waits for its other flights either, until it makes progress again.
 *
 * Without helper threads, the owner of a chunk that is read ahead does something else meanwhile,
 * perhaps for long. A thread that needs the chunk waits for a short time (FLIGHT_AHEAD_MS) and then
 * takes the flight over. So a claim can be lost: its owner must ask flight_mine() before it publishes.
 *
 * While it reads, the owner can tell where the first bytes lie (flight_ready()): a waiter that needs
 * no others does not wait for the rest.
 */
#ifndef CORE_FLIGHT_H
#define CORE_FLIGHT_H

#include "core/shared/cache.h"
#include "core/image/key.h"

/* A flight that this thread owns, as it was when it was claimed. `flight` NULL: none. */
struct claim {
	struct flight *flight;
	uint64_t claim;
	uint64_t ready;
	uint64_t life;
};

enum flight_result {
	FLIGHT_OWNER, /* the caller fetches the chunk and then calls flight_end() */
	FLIGHT_ENDED, /* another owner fetched it or gave up: look again */
	FLIGHT_READY, /* the needed bytes lie at *need->place */
	FLIGHT_ALONE, /* the table is full, or the owner too slow: read the origin and store nothing */
};

/* What a waiter needs: the first `bytes` bytes. *place tells where they lie. */
struct flight_need {
	uint32_t bytes;
	uint64_t *place; /* as in struct chunk: see file.h */
};

/* Claim the flight of `key`. If another thread owns it, wait until it ends or has what `need` asks for. */
enum flight_result flight_begin(struct rawcache *cache, const struct key *key,
				const struct flight_need *need, struct claim *claim);

/* Claim the flight to read ahead. False: another thread owns it, or the table is full. */
bool flight_try(struct rawcache *cache, const struct key *key, struct claim *claim);

/* The owner is working on the flight. */
void flight_attend(const struct claim *claim);
/* Nobody is working on the flight now: another process may take it over. */
void flight_neglect(const struct claim *claim);

/* Whether the flight still belongs to this claim. */
bool flight_mine(const struct claim *claim);

/* For the owner: the first `pages` pages of the chunk lie in the image, from `page` on. */
void flight_ready(struct rawcache *cache, struct claim *claim, uint32_t page, uint32_t generation,
		  uint32_t pages);

void flight_end(struct rawcache *cache, struct claim *claim);

/* The process of `slot` is dead: free all its flights. */
void flight_abandon(struct rawcache *cache, uint32_t slot);

#endif
