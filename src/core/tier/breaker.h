/* SPDX-License-Identifier: MIT */
/*
 * What all processes of the machine have learned of the tier, in the runtime segment: which servers are not
 * asked for a while, for whose leases nobody waits, what a chunk takes from the origin and from the tier, and
 * which data sets differ. It is a guess of the next answer's worth; nothing that is right depends on it.
 *
 *	closed -> open for 1 s -> one is let through -> closed, or open for 2 s, ... 32 s at most
 */
#ifndef CORE_TIER_BREAKER_H
#define CORE_TIER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/shared/runtime.h"

/* NULL: there is no place for it, and it is always asked. */
struct tier_server *breaker_of(struct tier_state *state, uint64_t name);

/* Whether to ask, or to wait, now. Where it was open for its time, one caller is let through. */
bool breaker_allows(struct tier_switch *breaker);

/* What is told of it: an answer took so long; a connection failed with -errno. */
void breaker_answered(struct tier_server *server, uint64_t ns);
void breaker_error(struct tier_server *server, int error);

/* What was begun at `begun` (clock_coarse_ms()) went well, or failed. Many that fail together count once. */
void breaker_works(struct tier_switch *breaker, uint64_t begun);
void breaker_fails(struct tier_switch *breaker, uint64_t begun);

/* Answers do not come, or too many are late: the same, beginning with an eighth of a second. */
void breaker_late(struct tier_switch *breaker, uint64_t begun);

/* Open for the longest time at once: its server's answers are not what they should be. */
void breaker_condemn(struct tier_switch *breaker);

/* The origin by the device number of its mount; never NULL. */
struct tier_origin *price_of(struct tier_state *state, uint64_t device);

/* What nearly all chunks take from it at most, in nanoseconds. */
uint64_t price_expected(const struct tier_origin *origin);

/* How long the tier may take before the origin is asked, too. */
uint64_t price_patience(const struct tier_origin *origin);

/* And how much longer for each chunk that is asked for before it: half of what one more takes from the origin. */
uint64_t price_share(const struct tier_origin *origin);

/* One took so long, while `depth` were under way: what many at once take is not the sum. */
void price_origin(struct tier_origin *origin, uint64_t ns, uint32_t depth);
void price_hit(struct tier_origin *origin, uint64_t ns, uint32_t depth);
void price_miss(struct tier_origin *origin, uint64_t ns, uint32_t depth);

/* Whether the tier pays here, or is asked nevertheless to find out. */
bool price_pays(struct tier_origin *origin);

/* Of this process: each question earns a tenth of a late answer. False: there are too many of them. */
void late_earn(void);
bool late_spend(void);

/* Data sets that were found to differ between machines: by a hash of name and epoch. */
bool differing(const struct tier_state *state, uint64_t name);
void differing_note(struct tier_state *state, uint64_t name);

#endif
