/* SPDX-License-Identifier: MIT */
/*
 * The threads that store fetched chunks. Small files are stored many at a time: the thread waits for a
 * moment, until there are several, or until a thread waits for them.
 */
#include <linux/futex.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/image/format.h"
#include "core/origin/confirm.h"
#include "core/origin/io.h"
#include "core/origin/pool.h"
#include "core/shared/cache.h"
#include "core/shared/storage.h"
#include "core/space/evict.h"
#include "core/space/extent.h"

/* Small chunks that are stored together, by one write of at most a buffer's size. */
#define BATCH 16u
#define BATCH_NAP_NS 2000000
#define STORERS 2u

static void storer_work(struct pool *pool);

struct pool fetch_storers = { .work = storer_work,
			      .limit = STORERS,
			      .lock = PTHREAD_MUTEX_INITIALIZER };

void fetch_give_up(struct fetch *fetch)
{
	fetch_ended(fetch);
}

void fetch_store(struct fetch *fetch)
{
	const struct io_request *request = &fetch->request;
	struct rawcache *cache = fetch->cache;
	struct space_stream stream = file_stream(fetch->file, fetch->chunk);

	if (request->result == (int32_t)request->length && !load_relaxed(&cache->broken) &&
	    (!fetch->claim.flight || flight_mine(&fetch->claim)) &&
	    (fetch->confirmed || confirm_by_descriptor(fetch->file, request->fd))) {
		if (!load_relaxed(&fetch->shared))
			tier_put(&fetch->ask, request->buf, request->length);
		extent_store(cache, fetch->piece ? fetch->parts : &fetch->key, fetch->piece,
			     request->buf, request->length, fetch->ordered ? &stream : NULL);
	}
	CRASH_POINT(fetch_stored);
	if (request->forget && file_unchanged(fetch->file, request->fd))
		sys_fadvise(request->fd, request->offset, request->length, POSIX_FADV_DONTNEED);
	CRASH_POINT(fetch_forgot);
	stats_latency(fill_latency, clock_mono_ns() - fetch->started);
	fetch_ended(fetch);
}

/* --- small chunks, many at a time */

struct batch {
	struct fetch *fetch[BATCH];
	struct extent_piece piece[2 * BATCH];
	uint32_t count, pieces;
	uint32_t bytes; /* used bytes of `buf` */
	char *buf;
};

static uint32_t small_bytes(const struct fetch *fetch)
{
	return (uint32_t)(round_up(fetch->request.length, FORMAT_PAGE) +
			  round_up(fetch->name.length, FORMAT_PAGE));
}

static void batch_store(struct batch *batch)
{
	struct rawcache *cache = batch->count ? batch->fetch[0]->cache : NULL;

	if (batch->pieces && !load_relaxed(&cache->broken))
		extent_store_pieces(cache, batch->piece, batch->pieces, batch->buf, NULL);
	for (uint32_t i = 0; i < batch->count; i++) {
		stats_latency(fill_latency, clock_mono_ns() - batch->fetch[i]->started);
		fetch_ended(batch->fetch[i]);
	}
	batch->count = batch->pieces = batch->bytes = 0;
}

static bool batch_fits(const struct batch *batch, const struct fetch *fetch)
{
	return !batch->count || (batch->count < BATCH && batch->fetch[0]->cache == fetch->cache &&
				 batch->bytes + small_bytes(fetch) <= BUFFER_BYTES);
}

static void batch_add(struct batch *batch, struct fetch *fetch)
{
	if (!batch_fits(batch, fetch))
		batch_store(batch);
	batch->fetch[batch->count++] = fetch;
	if (!flight_mine(&fetch->claim))
		return; /* another thread stores it */
	memcpy(batch->buf + batch->bytes, fetch->request.buf, small_bytes(fetch));
	batch->bytes += small_bytes(fetch);
	batch->piece[batch->pieces++] = (struct extent_piece){ fetch->key, fetch->request.length };
	if (fetch->name.length)
		batch->piece[batch->pieces++] = fetch->name;
}

/* Sleep until there are more of them, or a thread is in a hurry. */
static void batch_nap(void)
{
	struct timespec nap = { 0, BATCH_NAP_NS };
	struct critical critical;
	uint32_t seen;
	bool wait;

	fetches_lock(&critical);
	seen = load_relaxed(&fetches.hurry);
	wait = !load_relaxed(&fetches.settlers) && fetches.gathered < BATCH;
	fetches.napping = wait;
	fetches_unlock(&critical);
	if (wait)
		sys_futex(&fetches.hurry, FUTEX_WAIT_PRIVATE, seen, &nap);
	fetches_lock(&critical);
	fetches.napping = false;
	fetches.gathered = 0;
	fetches_unlock(&critical);
}

void batch_hurry(void)
{
	if (!fetches.napping)
		return;
	fetch_add(&fetches.hurry, 1);
	sys_futex(&fetches.hurry, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

static void batch_work(struct pool *pool, struct fetch *fetch)
{
	struct batch batch = { .buf = buffer_get() };
	struct pool_job *job = &fetch->request.job;

	batch_nap();
	for (; job; job = pool_take(pool)) {
		fetch = container_of(job, struct fetch, request.job);
		if (fetch->small && batch.buf)
			batch_add(&batch, fetch);
		else
			fetch_store(fetch);
	}
	batch_store(&batch);
	buffer_put(batch.buf);
}

static void storer_work(struct pool *pool)
{
	struct pool_job *job;

	evict_background();
	while ((job = pool_next(pool))) {
		struct fetch *fetch = container_of(job, struct fetch, request.job);

		storage_bound(
			fetch->cache); /* read first: the cache lasts only until the store has ended */
		if (fetch->small)
			batch_work(pool, fetch);
		else
			fetch_store(fetch);
	}
}

int storer_post(struct fetch *fetch)
{
	if (fetch->small && fetches.napping) {
		if (++fetches.gathered >= BATCH)
			batch_hurry();
		return pool_post(&fetch_storers, &fetch->request.job);
	}
	return pool_add(&fetch_storers, &fetch->request.job, true);
}
