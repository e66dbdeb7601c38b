/* SPDX-License-Identifier: MIT */
#include "core/tier/question.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "core/tier/attention.h"
#include "core/tier/breaker.h"
#include "core/tier/link.h"

#define MS_NS UINT64_C(1000000) /* a millisecond */
#define LEASE_MIN_S 3u /* servers count whole seconds, of which the first may be nearly over */
/*
 * The machine that wins the lease reads a few chunks at once and has as many to follow; then it asks the
 * server about the file, and sends the chunk to the tier. A wait in vain is paid for once: nobody waits
 * after it.
 */
#define LEASE_PATIENCE 6u
#define LEASE_WAIT_MIN_NS (250 * MS_NS)
#define LEASE_WAIT_MAX_NS (3000 * MS_NS)
/* It is there after some time that the origin takes: the first nap is a part of that, the longest one a larger part. */
#define NAP_NS MS_NS
#define NAP_MAX_NS (8 * MS_NS)
#define NAP_SHARE 16u
#define NAP_MAX_SHARE 4u
/* A busy machine stands still for less than this. */
#define SILENCE_NS (50 * MS_NS)

/*
 * At most 11 s, since price_expected() is at most 4: of a mount that takes longer for a chunk, a lease ends early, and
 * the chunk is fetched twice. A longer one would keep the chunks of an owner that died out of the tier for longer.
 */
static uint32_t lease_seconds(const struct tier_ask *ask)
{
	return LEASE_MIN_S + (uint32_t)(2 * price_expected(ask->origin) / (1000 * MS_NS));
}

/* End the question. `call` has a value to be taken, or is NULL. */
static void question_over(struct tier_ask *ask, struct link_call *call)
{
	if (ask->waits) {
		stats_add(tier_lease_wait_us, (clock_mono_ns() - ask->waits) / 1000);
		fetch_sub(&link_waits, 1);
	}
	ask->call = call;
	ask->tell(ask, !load_relaxed(&ask->late) ? TIER_ANSWERED :
		       call			 ? TIER_OVERTAKES :
						   TIER_DROPPED);
}

/*
 * The question's time is over, and the origin is read now. If there are too many of these, or the server is
 * silent, its breaker opens.
 */
static void question_hedged(const struct tier_ask *ask)
{
	bool silent = link_silence(ask->server) > max_u64(2 * ask->patience, SILENCE_NS);

	stats_add(tier_hedged, 1);
	breaker_hedged(ask->breaker);
	if (!late_spend() || silent)
		breaker_late(&ask->breaker->asked, ask->begun_ms);
}

static void question_failed(const struct tier_ask *ask, int error)
{
	if (error == -ENOTCONN || error == -ENOSYS || error == -ECANCELED)
		return;
	stats_add(tier_errors, 1);
	breaker_error(ask->breaker, error);
	/* being refused takes no time, and a server that is just started again refuses for a moment only */
	if (error == -ECONNREFUSED)
		breaker_late(&ask->breaker->asked, ask->begun_ms);
	else
		breaker_fails(&ask->breaker->asked, ask->begun_ms);
}

/* Whether the question stays, for its answer may come first. */
static bool question_late(struct tier_ask *ask)
{
	if (ask->late) {
		question_over(ask, NULL);
		return false;
	}
	question_hedged(ask);
	if (ask->background || ask->have) {
		stats_add(tier_timeouts, 1);
		question_over(ask, NULL);
		return false;
	}
	store_relaxed(&ask->late, true);
	ask->tell(ask, TIER_LATE);
	return true;
}

/* Another machine fetches the chunk. Returns whether it is asked for again. */
static bool question_waits(struct tier_ask *ask, struct link_call *call)
{
	uint64_t expected = price_expected(ask->origin);
	uint64_t wait = max_u64(min_u64(LEASE_PATIENCE * expected, LEASE_WAIT_MAX_NS),
				LEASE_WAIT_MIN_NS);
	uint64_t now = clock_mono_ns();

	if (!ask->waits) {
		if (!breaker_allows(&ask->breaker->leases)) {
			stats_add(tier_lease_refused, 1);
			return false;
		}
		stats_add(tier_lease_waits, 1);
		ask->waits = now;
		ask->watched = attention_ns();
		fetch_add(&link_waits, 1);
		/* another machine has the lease: this question is no reason to wait for a place */
		call->lease = false;
		ask->nap = max_u64(NAP_NS, min_u64(expected / NAP_SHARE, NAP_MAX_NS));
	}
	if (attention_ns() + ask->nap > ask->watched + wait + attention_grace(wait)) {
		stats_add(tier_lease_vain, 1);
		breaker_vain(&ask->breaker->leases, ask->begun_ms);
		return false;
	}
	stats_add(tier_gets, 1);
	/* who waits anyway has time for an answer: only that of a server which has stopped takes longer */
	call->patience = 4 * ask->patience;
	link_again(call, now + ask->nap);
	ask->nap = min_u64(2 * ask->nap,
			   max_u64(NAP_MAX_NS, min_u64(expected / NAP_MAX_SHARE, 4 * NAP_MAX_NS)));
	return true;
}

/* Count the price of an answer. A miss is paid for by another machine's later hit. */
static void question_priced(const struct tier_ask *ask, const struct link_call *call, bool hit)
{
	uint64_t took = attention_took(call->watched);

	if (hit)
		price_hit(ask->origin, took, call->depth);
	else
		price_miss(ask->origin, took, call->depth);
}

static bool another_fetches(const struct link_call *call)
{
	return call->reply.kind == WIRE_VALUE && call->reply.waits && !call->reply.won &&
	       !call->bytes;
}

/* Returns whether the call has a value. */
static bool answer_take(struct tier_ask *ask, const struct link_call *call)
{
	bool value = call->reply.kind == WIRE_VALUE && !call->reply.won && !another_fetches(call);

	if (call->reply.won) {
		stats_add(tier_leases_won, 1);
		/* while the origin is read, perhaps */
		fetch_add(&link_leases, 1);
		store_relaxed(&ask->won, true);
		store_relaxed(&ask->put, true);
	}
	if (!ask->waits && !ask->known)
		question_priced(ask, call, value);
	else if (value)
		breaker_waited(&ask->breaker->leases, ask->begun_ms);
	return value;
}

static bool question_ended(void *owner, struct link_call *call)
{
	struct tier_ask *ask = owner;
	bool value = false;

	if (!call)
		return question_late(ask);
	if (call->error) {
		question_failed(ask, call->error);
	} else {
		breaker_works(&ask->breaker->asked, ask->begun_ms);
		breaker_answered(ask->breaker, clock_mono_ns() - call->begun);
		if (another_fetches(call) && !ask->late && !ask->background &&
		    question_waits(ask, call))
			return false;
		value = answer_take(ask, call);
	}
	if (!value)
		link_call_free(call);
	question_over(ask, value ? call : NULL);
	return false;
}

static size_t question_words(const struct tier_ask *ask, struct link_call *call, bool read_only)
{
	if (ask->known)
		return wire_ask(call->command, ask->key, call->opaque, lease_seconds(ask));
	return wire_get(call->command, ask->key, call->opaque, read_only ? 0 : lease_seconds(ask));
}

void question_put(struct tier_ask *ask, bool read_only)
{
	struct link_call *call = ask->known && read_only ? NULL : link_call_new(ask->server);

	if (!call) {
		ask->tell(ask, TIER_ANSWERED);
		return;
	}
	memcpy(call->key, ask->key, sizeof(call->key));
	call->ended = question_ended;
	call->owner = ask;
	call->unwanted = ask->unwanted;
	call->over = &ask->over;
	call->lease = !read_only;
	call->patience = ask->patience;
	call->share = price_share(ask->origin);
	call->command_bytes = (uint32_t)question_words(ask, call, read_only);
	stats_add(tier_gets, 1);
	late_earn();
	if (!link_send(call))
		return;
	link_call_free(call);
	ask->tell(ask, TIER_ANSWERED);
}
