/* SPDX-License-Identifier: MIT */
#include "core/fill/fill.h"

#include <errno.h>
#include <limits.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/fill/ahead.h"
#include "core/fill/fetch.h"
#include "core/fill/fill_steps.h"
#include "core/fill/fill_state.h"
#include "core/image/key.h"
#include "core/image/place.h"
#include "core/index/index.h"
#include "core/origin/confirm.h"
#include "core/shared/cache.h"
#include "core/shared/flight.h"
#include "core/shared/slot.h"
#include "core/shared/storage.h"
#include "core/tier/tier.h"

/* At most this many chunks that have arrived are stored for others by one read before it returns. */
#define PUBLISH_MAX 4
#define PLACE_NAP_NS 100000

/* --- plan */

static struct miss miss_plan(struct rawcache *cache, struct file *file, const struct want *want,
			     const struct key *key)
{
	struct miss m = {
		.cache = cache, .file = file, .want = want, .held = &filling, .key = *key
	};

	m.at = want->chunk * cache->chunk_bytes;
	m.length = (uint32_t)min_u64(cache->chunk_bytes, file->size - m.at);
	if (want->background)
		m.plan = (struct plan){ .whole = true, .ordered = want->ordered };
	else
		ahead_note(cache, file, want, &m.plan);
	m.held->ordered = m.plan.ordered;
	m.held->stream = file_stream(file, want->chunk);
	return m;
}

static void plan_start(struct rawcache *cache, struct file *file, int fd, const struct plan *plan)
{
	uint32_t started = 0;
	uint32_t passed = 0;

	if (!plan->count)
		return;
	while (passed < plan->count) {
		uint64_t chunk = plan->first + (uint64_t)(passed * plan->step);
		enum fetch_result result = fetch_start(cache, file, fd, chunk,
						       plan->ordered && plan->step == 1);

		if (result == FETCH_FULL)
			break;
		started += result == FETCH_STARTED;
		passed++;
	}
	if (started)
		CRASH_POINT(fetch_planned);
	ahead_started(file, plan, passed, started);
}

/* --- claim */

/*
 * The tier may have the chunk: a helper asks it, and reads the origin if it must. NULL: this thread reads the
 * origin.
 */
static struct fetch *miss_ask(const struct miss *m)
{
	const struct want *want = m->want;
	bool whole = m->plan.whole || want->length == m->length;
	uint64_t wait = whole && !want->background ? tier_wants(m->cache, m->file) : 0;
	const struct timespec nap = { .tv_nsec = PLACE_NAP_NS };
	struct fetch *fetch = NULL;
	uint64_t end;

	if (!wait)
		return NULL;
	end = clock_mono_ns() + wait;
	/* all entries may hold chunks that are to be stored */
	while (fetch_start_now(m->cache, m->file, want->fd, want->chunk, &m->key, m->plan.ordered,
			       &fetch) == FETCH_FULL &&
	       clock_mono_ns() < end)
		if (!fill_help())
			sys_nanosleep(&nap);
	return fetch;
}

/* Use what was read ahead of it, or what a helper reads. */
static bool miss_take(const struct miss *m)
{
	const struct want *want = m->want;
	uint64_t from = m->at + want->skip;

	m->held->fetch = fetch_take(m->file, want->chunk, from, from + want->length);
	if (!m->held->fetch)
		m->held->fetch = miss_ask(m);
	return m->held->fetch;
}

/* Another process has fetched the part that we need. */
static ssize_t miss_ready(const struct miss *m, uint64_t place)
{
	struct rawcache *cache = m->cache;
	const struct want *want = m->want;
	ssize_t got = image_pread(&cache->image, CHUNK_PAGE(place), want->skip, want->buf,
				  want->length);

	if (got == -EFAULT)
		return got;
	if (got != (ssize_t)want->length || !place_still_current(&cache->image, place))
		return -EAGAIN;
	/* the process that fetches it has not checked the file yet */
	if (!want->background && !file_unchanged(m->file, want->fd))
		return fill_stale(m->file, want->fd);
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, (uint64_t)got);
	stats_add(miss_bytes, (uint64_t)got);
	return got;
}

/*
 * Claim the flight. Returns true if it is this thread's; otherwise *result is what the miss returns. The process
 * for which this one waits may wait for a chunk that has arrived here: it is stored first.
 */
static bool miss_claim(const struct miss *m, ssize_t *result)
{
	uint64_t place = 0;
	uint64_t start;
	struct flight_need need = { m->want->skip + m->want->length, &place };
	struct found found;

	fill_publish(m->file, m->want->fd, PUBLISH_MAX);
	start = clock_mono_ns();
	*result = -EAGAIN;
	switch (flight_begin(m->cache, &m->key, &need, &m->held->claim)) {
	case FLIGHT_OWNER:
		/* was it stored between our look and our claim? */
		return !index_find(m->cache, &m->key, &found) || found.length != m->length;
	case FLIGHT_READY:
		*result = miss_ready(m, place);
		if (*result >= 0)
			stats_latency(miss_latency, clock_mono_ns() - start);
		return false;
	case FLIGHT_ALONE:
		*result = MISS_BYPASS;
		return false;
	default:
		stats_latency(miss_latency, clock_mono_ns() - start);
		return false;
	}
}

/* --- all steps */

/* Claim, read, deliver, keep. */
static ssize_t miss_serve(struct miss *m)
{
	ssize_t n = 0;
	bool taken = miss_take(m);
	bool ours = !taken && miss_claim(m, &n);

	if (taken || ours)
		plan_start(m->cache, m->file, m->want->fd, &m->plan);
	if (taken)
		return miss_fetched(m);
	if (ours)
		n = miss_own(m);
	flight_end(m->cache, &m->held->claim);
	return n;
}

static void fill_settle_own(struct file *file, int fd, bool small)
{
	fill_publish(file, fd, INT_MAX);
	fetch_settle(file, small);
}

/* The read that reaches the end of a file returns when all of it is stored: the program may end next. */
static bool miss_is_last(const struct miss *m)
{
	return m->at + m->want->skip + m->want->length == m->file->size;
}

ssize_t fill_chunk(struct rawcache *cache, struct file *file, const struct want *want,
		   const struct key *key)
{
	volatile uintptr_t seal = FILLING_SEAL;
	struct miss m;
	ssize_t n;

	if (!storage_probe(cache) || cache->image.read_only || cache_slot_need(cache) ||
	    !confirm_pages(file, want->fd))
		return fill_bypass(cache, file, want);
	if (!filling_begin(cache, file, (const uintptr_t *)&seal)) {
		stats_bypass(RAWCACHE_REASON_nested);
		return fill_bypass(cache, file, want);
	}
	m = miss_plan(cache, file, want, key);
	n = miss_serve(&m);
	if (n == MISS_BYPASS)
		n = fill_bypass(cache, file, want);
	if (n > 0)
		chunk_fresh(file, want->chunk, want->skip + (uint32_t)n);
	if (n > 0 && miss_is_last(&m))
		fill_settle_own(file, want->fd, false);
	filling_end();
	seal = 0;
	return n;
}

void fill_touch(struct rawcache *cache, struct file *file, const struct want *want)
{
	volatile uintptr_t seal = FILLING_SEAL;
	struct plan plan;

	if (load_relaxed(&cache->broken) || cache_slot_need(cache) ||
	    !confirm_pages(file, want->fd) || !filling_begin(cache, file, (const uintptr_t *)&seal))
		return;
	ahead_note(cache, file, want, &plan);
	plan_start(cache, file, want->fd, &plan);
	fill_publish(file, want->fd, PUBLISH_MAX);
	filling_end();
	seal = 0;
}

void fill_settle(struct rawcache *cache, struct file *file, int fd)
{
	volatile uintptr_t seal = FILLING_SEAL;

	if (load_relaxed(&cache->broken) || !filling_begin(cache, file, (const uintptr_t *)&seal))
		return;
	fill_settle_own(file, fd, true);
	filling_end();
	seal = 0;
}

uint32_t fill_ahead(struct rawcache *cache, struct file *file, int fd, uint64_t first,
		    uint64_t chunks)
{
	uint32_t started = 0;

	if (!confirm_pages(file, fd))
		return 0;
	for (uint64_t i = 0; i < chunks; i++) {
		enum fetch_result result = fetch_start(cache, file, fd, first + i, true);

		if (result == FETCH_FULL)
			break;
		started += result == FETCH_STARTED;
	}
	if (started)
		store_relaxed(&file->ahead.live, 1);
	return started;
}
