/* SPDX-License-Identifier: MIT */
#include "core/tier/tier.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/io_lanes.h"
#include "core/origin/origin.h"
#include "core/tier/breaker.h"
#include "core/tier/identity.h"
#include "core/tier/link.h"
#include "core/tier/proof.h"
#include "core/tier/question.h"
#include "core/tier/setup.h"

#define MS_NS UINT64_C(1000000) /* a millisecond */
/* Enough to make a thread and load a library, once a process, on a machine that has more to do than processors. */
#define READY_NS (100 * MS_NS)
#define SETTLE_NS (200 * MS_NS)
/* A server whose values fail to open this often is condemned. */
#define BAD_MAX 8u
#define BAD_MS 60000u

static large_table struct setup setup;
static struct {
	uint64_t since;
	uint32_t count;
} bad[SERVERS_MAX];
bool tier_active;
static uint32_t reading; /* number of helpers that read origins because the tier did not answer */

void tier_setup(const struct rawcache_options *options)
{
	const char *why = "this build has no tier";
	int err = -ENOSYS;

	if (!options->tier || !*options->tier || options->tier_mode == RAWCACHE_TIER_OFF ||
	    load_relaxed(&tier_active))
		return;
#ifdef ENABLE_TIER
	err = setup_read(options, &setup, &why);
#endif
	if (err) {
		log_warn("RAWCACHE_TIER is refused: %s", why);
		return;
	}
	link_setup(&setup.servers, &setup.loader, setup.secret);
	store_release(&tier_active, true);
}

bool tier_prepare(const struct file *file)
{
	if (likely(!load_acquire(&tier_active)) || !identity_may(file))
		return false;
	link_prepare();
	return true;
}

static struct tier_state *state_of(const struct rawcache *cache)
{
	return &cache->runtime.header->tier;
}

uint64_t tier_wants(struct rawcache *cache, struct file *file)
{
	struct tier_origin *origin;

	if (likely(!load_relaxed(&tier_active)) || !cache->runtime.header || !identity_may(file))
		return 0;
	origin = price_of(state_of(cache), load_relaxed(&file->device));
	if (setup.prefer || price_pays(origin))
		return price_patience(origin);
	stats_add(tier_unpaid, 1);
	stats_add(tier_skipped, 1);
	return 0;
}

/* Make the key: for all chunks but the first it contains the hash of the first. */
static bool ask_key(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf,
		    struct tier_ask *ask)
{
	static const uint64_t none[2];
	bool small = proof_small(file);
	bool proven;

	if (!identity_known(&setup, file, fd) ||
	    differing(state_of(cache), setup.name[file->tier.name].hash))
		return false;
	ask->first = !small && !chunk;
	/* the first chunk is read while the tier's helper begins: nobody shall read it again */
	if (!ask->first && !link_ready(READY_NS))
		return false;
	fetch_add(&reading, 1);
	proven = small || proof_first(file, ask, fd, buf, cache->chunk_bytes,
				      price_known(ask->origin) ? price_expected(ask->origin) : 0);
	if (ask->took)
		price_origin(ask->origin, ask->took, load_relaxed(&reading));
	fetch_sub(&reading, 1);
	return proven && link_ready(READY_NS) &&
	       identity_make(&setup, file, fd, chunk, cache->chunk_bytes,
			     small || !chunk ? none : file->tier.print, ask->key);
}

static bool ask_init(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf,
		     struct tier_ask *ask)
{
	struct tier_state *state = state_of(cache);
	bool pays;

	ask->origin = price_of(state, load_relaxed(&file->device));
	if (!ask_key(cache, file, fd, chunk, buf, ask))
		return false;
	ask->patience = price_patience(ask->origin);
	ask->server = servers_choose(&setup.servers, ask->key);
	ask->breaker = breaker_of(state, setup.servers.server[ask->server].name,
				  load_relaxed(&link_network));
	ask->begun = clock_mono_ns();
	ask->begun_ms = clock_coarse_ms();
	pays = ask->chosen || setup.prefer || price_pays(ask->origin);
	if (pays && !link_barred(ask->server) && breaker_allows(&ask->breaker->asked))
		return true;
	stats_add(tier_unpaid, !pays);
	stats_add(tier_skipped, 1);
	return false;
}

bool tier_begin(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf,
		struct tier_ask *ask)
{
	ask->asked = true;
	return cache->runtime.header && ask_init(cache, file, fd, chunk, buf, ask);
}

void tier_ask(struct tier_ask *ask)
{
	question_put(ask, setup.read_only);
}

/* A value did not open. */
static void value_bad(struct tier_ask *ask)
{
	uint64_t now = clock_coarse_ms();
	uint32_t n = ask->server;

	stats_add(tier_bad, 1);
	if (!load_relaxed(&ask->late))
		ask->put = !setup.read_only;
	if (now - load_relaxed(&bad[n].since) > BAD_MS) {
		store_relaxed(&bad[n].since, now);
		store_relaxed(&bad[n].count, 0);
	}
	if (fetch_add(&bad[n].count, 1) + 1 >= BAD_MAX) {
		log_warn(
			"the tier's server %s has values that are not ours: it is not asked for a while",
			setup.servers.server[n].text);
		breaker_condemn(&ask->breaker->asked);
	}
}

/* Machines have different files with one name. */
static void differs(struct rawcache *cache, const struct file *file, struct tier_ask *ask)
{
	stats_add(tier_differs, 1);
	ask->put = false;
	log_error(
		"the tier has other bytes of %s than its origin: %s is not shared any more; make sure that "
		"all machines have the same files, then `rawcache tier bump %s`",
		file->path, setup.name[file->tier.name].name, setup.name[file->tier.name].name);
	differing_note(state_of(cache), setup.name[file->tier.name].hash);
}

static bool value_take(struct rawcache *cache, struct file *file, void *buf, uint32_t length,
		       struct tier_ask *ask)
{
	struct link_call *call = ask->call;
	enum proof proof;
	bool opens;

	if (!call)
		return false;
	ask->call = NULL;
	if (ask->have) { /* it was read to prove the file; the buffer gets what the tier has */
		stats_add(origin_reads, 1);
		stats_add(origin_bytes, length);
		ask->have = false;
	}
	opens = call->bytes == length + SEAL_MORE && seal_open(ask->key, call->data, length, buf);
	link_call_free(call);
	if (!opens) {
		value_bad(ask);
		return false;
	}
	proof = proof_use(file, ask, buf, length, price_expected(ask->origin));
	if (proof == PROOF_DIFFERS)
		differs(cache, file, ask);
	return proof == PROOF_USE;
}

bool tier_proven(const struct file *file)
{
	return proof_small(file) || load_acquire(&file->tier.state) == TIER_PROVEN;
}

void tier_read(struct tier_ask *ask)
{
	if (!ask->reads)
		fetch_add(&reading, 1);
	ask->reads = true;
}

static uint32_t reading_end(struct tier_ask *ask)
{
	uint32_t depth = ask->reads ? fetch_sub(&reading, 1) : 1;

	ask->reads = false;
	return depth;
}

static void value_used(uint32_t length)
{
	stats_add(tier_hits, 1);
	stats_add(tier_hit_bytes, length);
}

int32_t tier_take(struct rawcache *cache, struct file *file, void *buf, uint32_t length,
		  struct tier_ask *ask)
{
	if (value_take(cache, file, buf, length, ask)) {
		value_used(length);
		reading_end(ask);
		return (int32_t)length;
	}
	if (ask->have)
		return (int32_t)length;
	tier_read(ask);
	return 0;
}

int32_t tier_overtake(struct file *file, void *buf, uint32_t length, struct tier_ask *ask)
{
	struct link_call *call = ask->call;
	bool opens;

	ask->call = NULL;
	opens = call->bytes == length + SEAL_MORE && seal_open(ask->key, call->data, length, buf);
	link_call_free(call);
	if (!opens)
		value_bad(ask);
	return opens && proof_agrees(file, ask, buf, length) ? (int32_t)length : 0;
}

void tier_overtaken(uint32_t length)
{
	stats_add(tier_hedge_lost, 1);
	value_used(length);
}

void tier_lost(struct tier_ask *ask)
{
	reading_end(ask);
}

static void lease_read(struct tier_ask *ask)
{
	bool won = true;

	if (cas(&ask->won, &won, false))
		fetch_sub(&link_leases, 1);
}

void tier_origin(struct rawcache *cache, struct file *file, struct tier_ask *ask, const void *buf,
		 uint32_t length, uint64_t ns, bool good)
{
	/* more may be queued, but so many read a mount at once */
	uint32_t depth = (uint32_t)min_u64(reading_end(ask), LANE_HELPERS);

	if (load_relaxed(&ask->late))
		stats_add(tier_timeouts, 1);
	store_release(&ask->over, true);
	lease_read(ask);
	if (!cache->runtime.header)
		return;
	if (good && !ask->took)
		price_origin(price_of(state_of(cache), load_relaxed(&file->device)), ns, depth);
	if (!ask->compare || proof_end(file, ask, buf, length, good))
		return;
	differs(cache, file, ask);
}

/* Send a call for which nobody waits. */
static void call_send_off(struct link_call *call)
{
	if (link_send(call))
		link_call_free(call);
}

void tier_put(struct tier_ask *ask, const void *buf, uint32_t length)
{
	struct link_call *call;

	if (!ask->put)
		return;
	ask->put = false;
	call = link_call_new(ask->server);
	if (!call || !seal_close(ask->key, buf, length, call->data)) {
		stats_add(tier_put_dropped, 1);
		if (call)
			link_call_free(call);
		return;
	}
	call->put = true;
	call->bytes = length + SEAL_MORE;
	memcpy(call->data + call->bytes, "\r\n", 2);
	call->command_bytes = (uint32_t)wire_put(call->command, ask->key, call->opaque, call->bytes,
						 setup.ttl);
	stats_add(tier_puts, 1);
	stats_add(tier_put_bytes, length);
	call_send_off(call);
}

void tier_forget(struct tier_ask *ask)
{
	struct link_call *call;

	lease_read(ask);
	reading_end(ask);
	if (ask->call)
		link_call_free(ask->call);
	ask->call = NULL;
	if (!ask->put)
		return;
	ask->put = false;
	call = link_call_new(ask->server);
	if (!call)
		return;
	call->command_bytes = (uint32_t)wire_remove(call->command, ask->key, call->opaque);
	call_send_off(call);
}

/* The counts begin at zero here, and the lease is not ours to give back. */
void tier_fork_ask(struct tier_ask *ask)
{
	ask->won = ask->reads = ask->put = false;
}

void tier_fork_child(void)
{
	reading = 0;
}

void tier_settle(void)
{
	if (load_relaxed(&tier_active))
		link_settle(SETTLE_NS);
}
