/* SPDX-License-Identifier: MIT */
/*
 * The clock by which answers are late: it counts the time in which the helper of link.h looks. While the machine has
 * more to do than processors, the helper does not run: an answer may lie there unseen, a question be unsent, and the
 * server's threads, or those of the next machine, wait for processors too. Only the helper uses it.
 */
#ifndef CORE_TIER_ATTENTION_H
#define CORE_TIER_ATTENTION_H

#include <stdint.h>

/* Begin: until `now` (clock_mono_ns()) there was nothing to look at. */
void attention_begin(uint64_t now);

/*
 * The helper has looked at all connections at `now` (clock_mono_ns()). `slept`: how long it wanted to sleep since
 * it last looked.
 */
void attention_look(uint64_t now, uint64_t slept);

/* The time in which the helper has looked, in nanoseconds. */
uint64_t attention_ns(void);

/*
 * How long an answer has taken since `since` (attention_ns()), without the time in which this machine let it wait;
 * never 0.
 */
uint64_t attention_took(uint64_t since);

/* How much later than it wanted this thread was given a processor, in the last moments. */
uint64_t attention_lag(void);

/*
 * How much longer than `patience` an answer may take: a server on this machine, or on one that is as busy, also
 * waits for a processor.
 */
uint64_t attention_grace(uint64_t patience);

#endif
