/* SPDX-License-Identifier: MIT */
#include "core/tier/attention.h"

#include "base/checked.h"

/*
 * A time slice: looks are less than 2 ms apart, and as much more when values arrive. What is longer is not the
 * servers' time; it counts for an eighth, so that a server that has stopped is found out by a starved process, too.
 */
#define LOOK_MAX_NS 4000000u
#define UNSEEN_SHARE 8u
/*
 * A server waits for a processor more than once for a question: for its words, its value, each part of that which the
 * connection takes. But more than some patience is not given for that, because it may have stopped.
 */
#define GRACE_LAGS 8u
#define GRACE_LAGS_MIN 2u
#define GRACE_PATIENCES 2u
/* eight threads, as many as GRACE_LAGS, run before it, each for the kernel's slice of 3 ms */
#define LAG_MAX_NS 25000000u
#define LAG_WEIGHT 256u /* in looks: a lag is forgotten within some 50 to 500 ms */

static uint64_t last_look, watched, lag;

void attention_begin(uint64_t now)
{
	last_look = now;
}

void attention_look(uint64_t now, uint64_t slept)
{
	uint64_t gap = now - last_look;

	last_look = now;
	watched += gap > LOOK_MAX_NS ? LOOK_MAX_NS + (gap - LOOK_MAX_NS) / UNSEEN_SHARE : gap;
	lag -= lag / LAG_WEIGHT;
	if (gap > slept + lag)
		lag = min_u64(gap - slept, LAG_MAX_NS);
}

uint64_t attention_ns(void)
{
	return watched;
}

/* Who asks and who answers each wait for a processor once at least. */
uint64_t attention_took(uint64_t since)
{
	uint64_t took = watched - since;

	return took > GRACE_LAGS_MIN * lag ? took - GRACE_LAGS_MIN * lag : 1;
}

uint64_t attention_lag(void)
{
	return lag;
}

uint64_t attention_grace(uint64_t patience)
{
	return max_u64(GRACE_LAGS_MIN * lag, min_u64(GRACE_LAGS * lag, GRACE_PATIENCES * patience));
}
