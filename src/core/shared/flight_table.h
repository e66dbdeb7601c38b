/* SPDX-License-Identifier: MIT */
/* The table of flights (flight.h): what needs no other process. */
#ifndef CORE_FLIGHT_TABLE_H
#define CORE_FLIGHT_TABLE_H

#include "core/shared/flight.h"
#include "core/image/key.h"

/* Places that a key may have. */
#define NEIGHBOURS 8u

struct flight *flight_at(const struct rawcache *cache, const struct key *key, uint32_t i);

void flight_wake(uint32_t *word);

/*
 * A claim names its owner in the same word, so that there is no moment at which a killed owner
 * leaves a flight that nobody can tell to be a dead one's.
 */
uint64_t claim_of(const struct rawcache *cache, uint64_t tag);

uint64_t claim_tag(uint64_t claim);

uint32_t claim_owner(uint64_t claim);

/* The slot of the claim's owner, or NULL. */
struct process_slot *claim_slot(const struct rawcache *cache, uint64_t claim);

/* Our process gets on. Taken before a claim can be seen: nobody judges it by what was before. */
void owner_step(const struct rawcache *cache, uint64_t claim);

/* Give up `claim`, if it still is the one that stands there. */
void flight_free(struct flight *flight, uint64_t claim);

#endif
