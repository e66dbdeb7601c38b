/* SPDX-License-Identifier: MIT */
#include "core/fill/fill.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/buffer.h"
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
#include "core/space/extent.h"
#include "core/tier/tier.h"

/* At most this many chunks that have arrived are stored for others by one read before it returns. */
#define PUBLISH_MAX 4
#define PLACE_NAP_NS 100000

static void fill_plan(struct rawcache *cache, struct file *file, int fd, const struct plan *plan)
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

static ssize_t fill_own(struct miss *m, const struct plan *plan)
{
	struct found found;
	ssize_t n;

	/* was it stored between our look and our claim? */
	if (index_find(m->cache, &m->key, &found) && found.length == m->length)
		return -EAGAIN;
	fill_plan(m->cache, m->file, m->want->fd, plan);
	m->buf = buffer_get();
	if (!m->buf) {
		extent_failed(m->cache, -ENOMEM);
		return fill_bypass(m->cache, m->file, m->want);
	}
	n = plan->whole ? chunk_fetch(m) : parts_miss(m);
	buffer_put(m->buf);
	return n;
}

/* Another process has fetched the part that we need. */
static ssize_t fill_ready(struct rawcache *cache, const struct file *file, const struct want *want,
			  uint64_t place)
{
	ssize_t got = image_pread(&cache->image, CHUNK_PAGE(place), want->skip, want->buf,
				  want->length);

	if (got == -EFAULT)
		return got;
	if (got != (ssize_t)want->length || !place_still_current(&cache->image, place))
		return -EAGAIN;
	/* the process that fetches it has not checked the file yet */
	if (!want->aside && !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, (uint64_t)got);
	stats_add(miss_bytes, (uint64_t)got);
	return got;
}

static ssize_t fill_claimed(struct rawcache *cache, struct file *file, const struct want *want,
			    const struct key *key, const struct plan *plan)
{
	struct miss miss = { .cache = cache,
			     .file = file,
			     .want = want,
			     .held = &filling,
			     .key = *key,
			     .length = chunk_length(cache, file, want->chunk) };
	uint64_t start = clock_mono_ns();
	uint64_t place = 0;
	struct flight_need need = { want->skip + want->length, &place };
	ssize_t n;

	switch (flight_begin(cache, &miss.key, &need, &filling.claim)) {
	case FLIGHT_OWNER:
		n = fill_own(&miss, plan);
		flight_end(cache, &filling.claim);
		return n;
	case FLIGHT_READY:
		n = fill_ready(cache, file, want, place);
		if (n >= 0)
			stats_latency(miss_latency, clock_mono_ns() - start);
		return n;
	case FLIGHT_ALONE:
		return fill_bypass(cache, file, want);
	default:
		stats_latency(miss_latency, clock_mono_ns() - start);
		return -EAGAIN;
	}
}

static void fill_settle_own(struct file *file, int fd, bool small)
{
	fill_publish(file, fd, INT_MAX);
	fetch_settle(file, small);
}

/* The read that reaches the end of a file returns when all of it is stored: the program may end next. */
static bool want_is_last(const struct rawcache *cache, const struct file *file,
			 const struct want *want)
{
	return want->chunk * cache->chunk_bytes + want->skip + want->length == file->size;
}

/*
 * If the tier may have the chunk, a helper asks it, and reads the origin if it must. NULL: this thread
 * reads the origin.
 */
static struct fetch *fill_by_tier(struct rawcache *cache, struct file *file,
				  const struct want *want, const struct key *key,
				  const struct plan *plan)
{
	bool whole = plan->whole || want->length == chunk_length(cache, file, want->chunk);
	uint64_t wait = whole && !want->aside ? tier_wants(cache, file) : 0;
	const struct timespec nap = { .tv_nsec = PLACE_NAP_NS };
	enum fetch_result result;
	uint64_t end;

	if (!wait)
		return NULL;
	end = clock_mono_ns() + wait;
	/* all entries may hold chunks that are to be stored */
	while ((result = fetch_start_now(cache, file, want->fd, want->chunk, key, plan->ordered)) ==
		       FETCH_FULL &&
	       clock_mono_ns() < end)
		if (!fill_help())
			sys_nanosleep(&nap);
	if (result != FETCH_STARTED)
		return NULL;
	return fetch_take(file, want->chunk, want_offset(cache, want),
			  want_offset(cache, want) + want->length);
}

ssize_t fill_chunk(struct rawcache *cache, struct file *file, const struct want *want,
		   const struct key *key)
{
	volatile uintptr_t seal = FILLING_SEAL;
	struct plan plan;
	ssize_t n;

	if (!storage_probe(cache) || cache->image.read_only || cache_slot_need(cache) ||
	    !confirm_pages(file, want->fd))
		return fill_bypass(cache, file, want);
	if (!filling_begin(cache, file, (const uintptr_t *)&seal)) {
		stats_bypass(RAWCACHE_REASON_nested);
		return fill_bypass(cache, file, want);
	}
	if (want->aside)
		plan = (struct plan){ .whole = true, .ordered = want->ordered };
	else
		ahead_note(cache, file, want, &plan);
	filling.ordered = plan.ordered;
	filling.stream = file_stream(file, want->chunk);
	filling.fetch = fetch_take(file, want->chunk, want_offset(cache, want),
				   want_offset(cache, want) + want->length);
	if (!filling.fetch)
		filling.fetch = fill_by_tier(cache, file, want, key, &plan);
	if (filling.fetch) {
		fill_plan(cache, file, want->fd, &plan);
		n = fill_fetched(cache, file, want);
	} else {
		/* the process for which we are going to wait may wait for us */
		fill_publish(file, want->fd, PUBLISH_MAX);
		n = fill_claimed(cache, file, want, key, &plan);
	}
	if (n > 0)
		chunk_fresh(file, want->chunk, want->skip + (uint32_t)n);
	if (n > 0 && want_is_last(cache, file, want))
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
	fill_plan(cache, file, want->fd, &plan);
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
