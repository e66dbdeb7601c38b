/* SPDX-License-Identifier: MIT */
/*
 * What all processes of the machine have learned of the tier, in the runtime segment: which servers are not asked for
 * a while (by the processes of one network namespace: another one's 127.0.0.1 is another server), for whose leases
 * nobody waits, what a chunk takes from the origin and from the tier, and which data sets differ. It is a guess of the
 * next answer's worth; nothing that is right depends on it.
 *
 *	closed -> open for 1 s -> one is let through -> closed, or open for 2 s, ... 32 s at most
 */
#ifndef CORE_TIER_BREAKER_H
#define CORE_TIER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/shared/runtime.h"

/*
 * The entry of a server, as seen from the network with the number `network` (socket_network()). If there is no free
 * place, the entry takes the place of another one.
 */
struct tier_server *breaker_of(struct tier_state *state, uint64_t name, uint64_t network);

/*
 * The same for callers that only look: nothing is written, and the segment may be mapped read-only. NULL: there is
 * no entry.
 */
const struct tier_server *breaker_find(const struct tier_state *state, uint64_t name,
				       uint64_t network);

/* Whether to ask, or to wait, now. When the time of an open breaker is over, one caller is let through. */
bool breaker_allows(struct tier_switch *breaker);

/* Report that an answer took `ns`; that a connection failed with -errno; that an answer is late. */
void breaker_answered(struct tier_server *server, uint64_t ns);
void breaker_error(struct tier_server *server, int error);
void breaker_hedged(struct tier_server *server);

/*
 * Report that what began at `begun` (clock_coarse_ms()) succeeded, or failed. Several that fail together
 * count once.
 */
void breaker_works(struct tier_switch *breaker, uint64_t begun);
void breaker_fails(struct tier_switch *breaker, uint64_t begun);

/*
 * Report that answers do not come, that too many are late, or that nothing listens: as breaker_fails(), but the
 * breaker opens for an eighth of a second at first.
 */
void breaker_late(struct tier_switch *breaker, uint64_t begun);

/*
 * Report that a wait for a chunk that another machine fetches gave the chunk, or was in vain. Each success earns
 * credit, and a wait in vain costs several successes; where there is not enough credit it opens the breaker. So a
 * server that says for ever that somebody fetches is found out at its first wait, and one machine that died, or is
 * slow, with some leases does not end the waits for all others.
 */
void breaker_waited(struct tier_switch *breaker, uint64_t begun);
void breaker_vain(struct tier_switch *breaker, uint64_t begun);

/* Open for the longest time at once: the server's answers are wrong. */
void breaker_condemn(struct tier_switch *breaker);

/* The entry of an origin, by the device number of its mount; never NULL. */
struct tier_origin *price_of(struct tier_state *state, uint64_t device);

/* The time in nanoseconds within which the origin returns nearly all chunks. */
uint64_t price_expected(const struct tier_origin *origin);

/* Whether a chunk of the origin was read since the machine was started; otherwise price_expected() is a guess. */
bool price_known(const struct tier_origin *origin);

/* How long the tier may take before the origin is asked too. */
uint64_t price_patience(const struct tier_origin *origin);

/*
 * How much longer the tier may take for each chunk that was asked for before: half of what one more chunk costs at
 * the origin.
 */
uint64_t price_share(const struct tier_origin *origin);

/* Report that a chunk took `ns` while `depth` were under way: many at once take less than the sum. */
void price_origin(struct tier_origin *origin, uint64_t ns, uint32_t depth);
void price_hit(struct tier_origin *origin, uint64_t ns, uint32_t depth);
void price_miss(struct tier_origin *origin, uint64_t ns, uint32_t depth);

/* Whether the tier is worth asking for this origin. Now and then it is asked all the same, to find out. */
bool price_pays(struct tier_origin *origin);

/*
 * Late answers of this process: late_earn() adds a tenth of one for each question. late_spend() returns
 * false if there were too many.
 */
void late_earn(void);
bool late_spend(void);

/* Data sets that were found to differ between machines, by a hash of name and epoch. */
bool differing(const struct tier_state *state, uint64_t name);
void differing_note(struct tier_state *state, uint64_t name);

#endif
