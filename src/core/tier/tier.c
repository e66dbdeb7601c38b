/* SPDX-License-Identifier: MIT */
#include "core/tier/tier.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/origin.h"
#include "core/tier/breaker.h"
#include "core/tier/identity.h"
#include "core/tier/link.h"
#include "core/tier/proof.h"
#include "core/tier/setup.h"

#define MS_NS UINT64_C(1000000)
#define LEASE_MIN_S 3u
#define LEASE_MAX_S 30u
/* Beside reading there are the look at the server, storing, and the way to the tier. */
#define LEASE_WAIT_NS (25 * MS_NS)
#define NAP_MAX_NS (8 * MS_NS)
#define SETTLE_NS (200 * MS_NS)
/* A busy machine stands still for less. */
#define SILENCE_NS (50 * MS_NS)
/* So many values that do not open condemn a server. */
#define BAD_MAX 8u
#define BAD_MS 60000u

static struct setup setup;
static struct {
	uint64_t since;
	uint32_t count;
} bad[SERVERS_MAX];
bool tier_active;
static uint32_t asking, reading; /* helpers that ask the tier, and that read origins in its place */

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
	const struct tier_origin *origin;

	if (likely(!load_relaxed(&tier_active)) || !cache->runtime.header || !identity_may(file))
		return 0;
	origin = price_of(state_of(cache), load_relaxed(&file->device));
	return price_glance(origin) ? price_patience(origin) / 2 : 0;
}

/* --- one question */

struct question {
	struct rawcache *cache;
	struct file *file;
	struct tier_ask *ask;
	struct tier_origin *origin;
	struct tier_server *server;
	void *buf;
	uint32_t length;
	uint64_t begun; /* clock_mono_ns() */
	uint64_t begun_ms; /* clock_coarse_ms() */
	uint64_t patience;
};

static uint32_t lease_seconds(const struct question *q)
{
	if (setup.read_only)
		return 0;
	return (uint32_t)min_u64(LEASE_MIN_S + 2 * price_expected(q->origin) / (1000 * MS_NS), LEASE_MAX_S);
}

static struct link_call *call_make(const struct question *q)
{
	struct link_call *call = link_call_new();

	if (!call)
		return NULL;
	call->server = q->ask->server;
	call->opaque = link_number();
	call->put = false;
	call->patience = q->patience;
	call->command_bytes =
		(uint32_t)wire_get(call->command, q->ask->key, call->opaque, lease_seconds(q));
	return call;
}

static void question_failed(const struct question *q)
{
	stats_add(tier_errors, 1);
	if (q->server)
		breaker_fails(&q->server->asked, q->begun_ms);
}

/* Its time is over, and the origin is read now. Too many of these, or a silent server, are no exception any more. */
static void question_late(const struct question *q)
{
	bool silent = link_silence(q->ask->server) > max_u64(2 * q->patience, SILENCE_NS);

	stats_add(tier_timeouts, 1);
	if (!q->server)
		return;
	if (silent)
		breaker_fails(&q->server->asked, q->begun_ms);
	else if (!late_spend())
		breaker_late(&q->server->asked, q->begun_ms);
}

/* A value that does not open. */
static void question_bad(const struct question *q)
{
	uint64_t now = clock_coarse_ms();
	uint32_t n = q->ask->server;

	stats_add(tier_bad, 1);
	q->ask->put = !setup.read_only;
	if (now - load_relaxed(&bad[n].since) > BAD_MS) {
		store_relaxed(&bad[n].since, now);
		store_relaxed(&bad[n].count, 0);
	}
	if (fetch_add(&bad[n].count, 1) + 1 >= BAD_MAX && q->server) {
		log_warn("the tier's server %s has values that are not ours: it is not asked for a while",
			 setup.servers.server[n].text);
		breaker_condemn(&q->server->asked);
	}
}

/* The answer to a question. 1: its value is in `buf`; 0: it has none; -EAGAIN: somebody fetches it. */
static int answer_take(const struct question *q, const struct link_call *call)
{
	if (call->error) {
		if (call->error != -ENOTCONN && call->error != -ENOSYS)
			question_failed(q);
		return 0;
	}
	if (q->server)
		breaker_works(&q->server->asked, q->begun_ms);
	if (call->reply.kind != WIRE_VALUE)
		return 0;
	if (call->reply.won) {
		stats_add(tier_leases_won, 1);
		q->ask->put = true;
		return 0;
	}
	if (call->reply.waits && !call->bytes)
		return -EAGAIN;
	if (call->bytes == q->length + SEAL_MORE && seal_open(q->ask->key, call->data, q->length, q->buf))
		return 1;
	question_bad(q);
	return 0;
}

static int question_ask(const struct question *q)
{
	struct link_call *call = call_make(q);
	int result;

	if (!call)
		return 0;
	if (link_send(call)) {
		link_call_free(call);
		return 0;
	}
	stats_add(tier_gets, 1);
	late_earn();
	if (!link_wait(call, clock_mono_ns() + q->patience)) {
		question_late(q);
		return 0;
	}
	result = answer_take(q, call);
	link_call_free(call);
	return result;
}

/* Another machine fetches it: it takes as long as the origin does, or it will not come. */
static int question_wait(const struct question *q)
{
	uint64_t end = clock_mono_ns() + max_u64(2 * price_expected(q->origin), LEASE_WAIT_NS);
	uint64_t begun = clock_mono_ns();
	struct timespec nap = { .tv_nsec = MS_NS };
	int result = -EAGAIN;

	if (q->server && !breaker_allows(&q->server->leases))
		return 0;
	stats_add(tier_lease_waits, 1);
	while (result == -EAGAIN && clock_mono_ns() + (uint64_t)nap.tv_nsec < end) {
		sys_nanosleep(&nap);
		nap.tv_nsec = (long)min_u64(2 * (uint64_t)nap.tv_nsec, NAP_MAX_NS);
		result = question_ask(q);
	}
	stats_add(tier_lease_wait_us, (clock_mono_ns() - begun) / 1000);
	if (!q->server)
		return result > 0;
	if (result > 0)
		breaker_works(&q->server->leases, q->begun_ms);
	else if (result == -EAGAIN)
		breaker_late(&q->server->leases, q->begun_ms);
	return result > 0;
}

static bool question_init(struct question *q, int fd, uint64_t chunk)
{
	struct tier_state *state = state_of(q->cache);

	if (!link_ready() || !identity_make(&setup, q->file, fd, chunk, q->cache->chunk_bytes, q->ask->key) ||
	    differing(state, setup.name[q->file->tier.name].hash))
		return false;
	q->origin = price_of(state, load_relaxed(&q->file->device));
	q->ask->server = servers_choose(&setup.servers, q->ask->key);
	q->server = breaker_of(state, setup.servers.server[q->ask->server].name);
	q->begun = clock_mono_ns();
	q->begun_ms = clock_coarse_ms();
	q->patience = price_patience(q->origin);
	if (price_pays(q->origin) && (!q->server || breaker_allows(&q->server->asked)))
		return true;
	stats_add(tier_skipped, 1);
	return false;
}

/* A miss is another machine's to come, or somebody's later hit. */
static void question_priced(const struct question *q, bool hit, uint32_t depth)
{
	uint64_t took = clock_mono_ns() - q->begun;

	if (hit)
		price_hit(q->origin, took, depth);
	else
		price_miss(q->origin, took);
}

static int32_t chunk_get(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf, uint32_t length,
		 struct tier_ask *ask)
{
	struct question q = { .cache = cache, .file = file, .ask = ask, .buf = buf, .length = length };
	int result;

	if (!cache->runtime.header || !question_init(&q, fd, chunk))
		return 0;
	fetch_add(&asking, 1);
	result = question_ask(&q);
	if (result == -EAGAIN)
		result = question_wait(&q);
	else
		question_priced(&q, result > 0, load_relaxed(&asking));
	fetch_sub(&asking, 1);
	if (result <= 0)
		return 0;
	if (!proof_use(file, ask, buf, length, price_expected(q.origin)))
		return 0;
	stats_add(tier_hits, 1);
	stats_add(tier_hit_bytes, length);
	return (int32_t)length;
}

int32_t tier_get(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf, uint32_t length,
		 struct tier_ask *ask)
{
	int32_t got = chunk_get(cache, file, fd, chunk, buf, length, ask);

	ask->reads = !got;
	if (!got)
		fetch_add(&reading, 1);
	return got;
}

void tier_origin(struct rawcache *cache, struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
		 uint64_t ns, bool good)
{
	uint32_t depth = ask->reads ? fetch_sub(&reading, 1) : 1;

	ask->reads = false;
	if (!cache->runtime.header)
		return;
	if (good)
		price_origin(price_of(state_of(cache), load_relaxed(&file->device)), ns, depth);
	if (!ask->compare || proof_end(file, ask, buf, length, good))
		return;
	stats_add(tier_differs, 1);
	ask->put = false;
	log_error("the tier has other bytes of %s than its origin: %s is not shared any more; make sure that "
		  "all machines have the same files, then `rawcache tier bump`",
		  file->path, setup.name[file->tier.name].name);
	differing_note(state_of(cache), setup.name[file->tier.name].hash);
}

void tier_put(struct tier_ask *ask, const void *buf, uint32_t length)
{
	struct link_call *call;

	if (!ask->put)
		return;
	ask->put = false;
	call = link_call_new();
	if (!call || !seal_close(ask->key, buf, length, call->data)) {
		stats_add(tier_put_dropped, 1);
		if (call)
			link_call_free(call);
		return;
	}
	call->server = ask->server;
	call->opaque = link_number();
	call->put = true;
	call->patience = 0;
	call->bytes = length + SEAL_MORE;
	memcpy(call->data + call->bytes, "\r\n", 2);
	call->command_bytes = (uint32_t)wire_put(call->command, ask->key, call->opaque, call->bytes, setup.ttl);
	stats_add(tier_puts, 1);
	stats_add(tier_put_bytes, length);
	link_send_off(call);
}

void tier_forget(struct tier_ask *ask)
{
	struct link_call *call;

	if (!ask->put)
		return;
	ask->put = false;
	call = link_call_new();
	if (!call)
		return;
	call->server = ask->server;
	call->opaque = link_number();
	call->put = false;
	call->patience = 0;
	call->command_bytes = (uint32_t)wire_remove(call->command, ask->key, call->opaque);
	link_send_off(call);
}

void tier_fork_child(void)
{
	asking = reading = 0;
}

void tier_settle(void)
{
	if (load_relaxed(&tier_active))
		link_settle(SETTLE_NS);
}
