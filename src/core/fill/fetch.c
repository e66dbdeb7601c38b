/* SPDX-License-Identifier: MIT */
#include "core/fill/fetch.h"

#include <errno.h>
#include <pthread.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/fill/fetch_table.h"
#include "core/origin/io.h"
#include "core/origin/pool.h"
#include "core/shared/cache.h"

#define NAP_NS 100000 /* between looks whether the cache has no fetch left */

/* Called by the helper that has read the chunk: let a thread store it, if it is worth it. */
static void fetch_arrived(struct io_request *request)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	struct critical critical;

	fetches_lock(&critical);
	fetch_count(fetch);
	fetch->users--;
	if (fetch->state == FETCH_READING && request->unchanged) {
		store_relaxed(&fetch->state, FETCH_STORING);
		if (fetch_submit(fetch, false))
			store_relaxed(&fetch->state, FETCH_READING);
		CRASH_POINT(fetch_arrived);
	}
	if (fetch->state == FETCH_READING)
		flight_neglect(&fetch->claim);
	fetch_tidy(fetch);
	fetches_unlock(&critical);
	fetch_step();
}

bool fetch_adopt(struct file *file, const struct fetch *whole)
{
	const struct io_backend *backend = io_backend_choose(whole->cache);
	struct critical critical;
	struct fetch *fetch;
	bool adopted = false;

	if (!backend || !backend->arrives)
		return false;
	fetches_lock(&critical);
	fetch = fetch_find(file, whole->chunk) ? NULL : fetch_place(file);
	if (fetch) {
		*fetch = *whole;
		fetch_init(fetch, file, FETCH_STORING, 0);
		adopted = !fetch_submit(fetch, true);
		CRASH_POINT(fetch_adopted);
	}
	if (fetch && !adopted) {
		fetch->request.buf = NULL;
		fetch->claim.flight = NULL;
		fetch_end(fetch);
	}
	fetches_unlock(&critical);
	return adopted;
}

static int fetch_begin(struct rawcache *cache, struct fetch *fetch, struct file *file, int fd)
{
	uint64_t offset = fetch->chunk * cache->chunk_bytes;
	struct io_request *request = &fetch->request;
	int err;

	fetch->small = false;
	fetch->piece = 0;
	fetch->confirmed = fetch->looking = false;
	fetch->name.length = 0;
	request->buf = buffer_get();
	if (!request->buf)
		return -ENOMEM;
	request->file = file;
	request->fd = fd;
	request->offset = offset;
	request->length = (uint32_t)min_u64(cache->chunk_bytes, file->size - offset);
	request->forget = !cache->options.keep_origin;
	request->unchanged = request->unwanted = false;
	request->arrived = fetch_arrived;
	fetch_tier_begin(fetch, file);
	fetch->started = clock_mono_ns();
	err = io_start(cache, request);
	if (err)
		buffer_put(request->buf);
	return err;
}

static bool launch_claim(struct rawcache *cache, const struct key *key, struct claim *claim)
{
	struct found found;

	if (!flight_try(cache, key, claim))
		return false;
	/* was it stored between our look and our claim? */
	if (!index_find(cache, key, &found))
		return true;
	flight_end(cache, claim);
	return false;
}

/* Use it unless it is OVER. */
static struct fetch *fetch_taken(struct fetch *fetch)
{
	return fetch->state == FETCH_OVER ? NULL : fetch_use(fetch);
}

/* `taken`: a program waits for the chunk, and its fetch is used at once; or NULL. */
static enum fetch_result fetch_launch(struct rawcache *cache, struct file *file, int fd,
				      uint64_t chunk, const struct key *key, bool ordered,
				      struct fetch **taken)
{
	enum fetch_result result = FETCH_FULL;
	struct critical critical;
	struct fetch *fetch;
	struct found found;

	if (index_find(cache, key, &found))
		return FETCH_CACHED;
	fetches_lock(&critical);
	fetch = fetch_find(file, chunk);
	if (fetch)
		goto started;
	fetch = !taken && fetch_crowded(file) ? NULL : fetch_place(file);
	if (!fetch)
		goto out;
	result = FETCH_CACHED; /* or another thread fetches it */
	if (!launch_claim(cache, key, &fetch->claim))
		goto out;
	CRASH_POINT(fetch_claimed);
	fetch->cache = cache;
	fetch->key = *key;
	fetch->chunk = chunk;
	fetch->ordered = ordered;
	fetch->request.urgent = taken;
	if (fetch_begin(cache, fetch, file, fd)) {
		flight_end(cache, &fetch->claim);
		/* a read that waits for a place would wait in vain: there is no helper, or no memory */
		result = taken ? FETCH_CACHED : FETCH_FULL;
		goto out;
	}
	CRASH_POINT(fetch_begun);
	fetch_init(fetch, file, FETCH_READING, fetch->request.backend->arrives);
	chunk_fresh(file, chunk, 0);
	if (fetch->users) {
		pool_prepare(&fetch_storers);
		flight_attend(&fetch->claim);
	}
	if (!taken)
		stats_add(readahead_bytes, fetch->request.length);
started:
	result = FETCH_STARTED;
	if (taken)
		*taken = fetch_taken(fetch);
out:
	fetches_unlock(&critical);
	return result;
}

enum fetch_result fetch_start(struct rawcache *cache, struct file *file, int fd, uint64_t chunk,
			      bool ordered)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, chunk);

	return fetch_launch(cache, file, fd, chunk, &key, ordered, NULL);
}

enum fetch_result fetch_start_now(struct rawcache *cache, struct file *file, int fd, uint64_t chunk,
				  const struct key *key, bool ordered, struct fetch **fetch)
{
	return fetch_launch(cache, file, fd, chunk, key, ordered, fetch);
}

/* Find a fetch of parts that are not stored yet. */
static struct fetch *parts_fetched(const struct file *file, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < FETCHES; i++) {
		const struct io_request *request = &fetches.place[i].request;

		if (fetches.place[i].state == FETCH_STORING && fetches.place[i].piece &&
		    fetches.place[i].file == file && request->offset <= from &&
		    to <= request->offset + request->length)
			return &fetches.place[i];
	}
	return NULL;
}

struct fetch *fetch_take(struct file *file, uint64_t chunk, uint64_t from, uint64_t to)
{
	struct critical critical;
	struct fetch *fetch;

	if (!load_relaxed(&fetches.used))
		return NULL;
	fetches_lock(&critical);
	fetch = fetch_find(file, chunk);
	if (!fetch)
		fetch = parts_fetched(file, from, to);
	if (fetch)
		fetch = fetch_taken(fetch);
	fetches_unlock(&critical);
	return fetch;
}

void fetch_put(struct fetch *fetch)
{
	struct critical critical;

	fetches_lock(&critical);
	fetch_mine = NULL;
	fetch->users--;
	fetch_tidy(fetch);
	fetches_unlock(&critical);
}

bool fetch_claim(struct fetch *fetch)
{
	struct critical critical;
	bool ours;

	if (load_relaxed(&fetch->state) == FETCH_STORING)
		return false;
	fetches_lock(&critical);
	/* the helper that has just read it is about to store it */
	ours = fetch->state == FETCH_READING && fetch->users == 1;
	if (ours) {
		fetch_count(fetch);
		store_relaxed(&fetch->state, FETCH_STORING);
	}
	fetches_unlock(&critical);
	return ours;
}

struct fetch *fetch_take_done(struct file *file)
{
	struct fetch *found = NULL;
	struct critical critical;

	if (!load_relaxed(&fetches.used))
		return NULL;
	fetches_lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES && !found; i++)
		if (fetches.place[i].file == file && fetch_unclaimed(&fetches.place[i]))
			found = &fetches.place[i];
	if (found) {
		fetch_count(found);
		store_relaxed(&fetch_use(found)->state, FETCH_STORING);
	}
	fetches_unlock(&critical);
	return found;
}

struct fetch *fetch_take_waiting(void)
{
	struct critical critical;
	struct pool_job *job;

	fetches_lock(&critical);
	job = pool_take(&fetch_storers);
	if (job)
		fetch_use(container_of(job, struct fetch, request.job));
	fetches_unlock(&critical);
	return job ? container_of(job, struct fetch, request.job) : NULL;
}

void fetch_reject(struct fetch *fetch)
{
	struct critical critical;

	fetches_lock(&critical);
	if (fetch->state == FETCH_READING)
		fetch_end(fetch);
	fetches_unlock(&critical);
}

void fetch_drop(struct file *file)
{
	struct critical critical;

	fetches_lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES; i++)
		if (fetches.place[i].state == FETCH_READING && fetches.place[i].file == file)
			fetch_end(&fetches.place[i]);
	fetches_unlock(&critical);
}

/* Whether the cache has no fetch left. */
static bool drop_round(const struct rawcache *cache)
{
	struct critical critical;
	bool over = true;

	fetches_lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &fetches.place[i];

		if (fetch->state == FETCH_FREE || fetch->cache != cache)
			continue;
		if (fetch->state == FETCH_READING)
			fetch_end(fetch);
		else
			fetch_tidy(fetch);
		over = over && fetch->state == FETCH_FREE;
	}
	fetches_unlock(&critical);
	return over;
}

void fetch_drop_all(struct rawcache *cache)
{
	struct timespec nap = { 0, NAP_NS };

	while (load_acquire(&fetches.used) && !drop_round(cache))
		sys_nanosleep(&nap);
}

/* --- fork */

void fetch_fork_prepare(void)
{
	pthread_mutex_lock(&fetches.lock);
	pool_fork_prepare(&fetch_storers);
	pool_fork_prepare(&fetch_sharers);
	io_fork_prepare();
}

void fetch_fork_parent(void)
{
	io_fork_parent();
	pool_fork_parent(&fetch_storers);
	pool_fork_parent(&fetch_sharers);
	pthread_mutex_unlock(&fetches.lock);
}

/*
 * The flights, the reads and the stores belong to the parent. The buffers are copies, which the child may
 * free, except for the one that this thread uses if a signal handler forks in the middle of it.
 */
void fetch_fork_child(void)
{
	io_fork_child();
	pool_fork_child(&fetch_storers);
	pool_fork_child(&fetch_sharers);
	fetches.settlers = 0;
	fetches.napping = false;
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &fetches.place[i];

		if (fetch->state == FETCH_FREE)
			continue;
		fetch->claim.flight = NULL;
		tier_fork_ask(&fetch->ask);
		if (!io_done(&fetch->request)) {
			fetch->request.result = -EIO;
			store_relaxed(&fetch->request.done, IO_DONE);
		}
		store_relaxed(&fetch->state, FETCH_OVER);
		fetch->looking = false;
		fetch->users = fetch == fetch_mine;
		fetch_tidy(fetch);
	}
	pthread_mutex_unlock(&fetches.lock);
}
