/* SPDX-License-Identifier: MIT */
/* The table of flights (flight.h): functions that do not ask whether a process lives. */
#ifndef CORE_FLIGHT_TABLE_H
#define CORE_FLIGHT_TABLE_H

#include "core/shared/flight.h"
#include "core/image/key.h"

/* Places in the table that a key may have. */
#define NEIGHBOURS 8u

struct flight *flight_at(const struct rawcache *cache, const struct key *key, uint32_t i);

void flight_wake(uint32_t *word);

/*
 * A claim names its owner in the same word: so at no moment can a killed owner leave a flight that cannot
 * be recognised as a dead process's.
 */
uint64_t claim_of(const struct rawcache *cache, uint64_t tag);

uint64_t claim_tag(uint64_t claim);

uint32_t claim_owner(uint64_t claim);

/* The slot of the claim's owner, or NULL. */
struct process_slot *claim_slot(const struct rawcache *cache, uint64_t claim);

/*
 * Record progress of this process. Must be called before a new claim becomes visible, so that a waiter never
 * compares it with an older count of steps.
 */
void owner_step(const struct rawcache *cache, uint64_t claim);

/* Free the flight if `claim` still owns it, and wake its waiters. */
void flight_free(struct flight *flight, uint64_t claim);

#endif
