/* SPDX-License-Identifier: MIT */
#include "core/fetch.h"

#include <pthread.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/stats.h"
#include "core/buffer.h"
#include "core/index.h"

#define FETCHES 48u

enum { FETCH_FREE, FETCH_READING, FETCH_TAKEN, FETCH_ORPHAN };

static pthread_mutex_t fetch_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fetch table[FETCHES];
static uint32_t used; /* not FREE: most reads find out here that there is nothing */

static void lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&fetch_lock);
}

static void unlock(struct critical *critical)
{
	pthread_mutex_unlock(&fetch_lock);
	critical_leave(critical);
}

/* Under the lock, as the following. */
static void fetch_free(struct fetch *fetch)
{
	/* a buffer that the kernel may still write to is nobody's for ever */
	if (load_acquire(&fetch->request.done) != IO_LOST)
		buffer_put(fetch->request.buf);
	file_unshare(fetch->cache, fetch->file);
	fetch->request.buf = NULL;
	fetch->file = NULL;
	fetch->state = FETCH_FREE;
	store_relaxed(&used, used - 1);
}

static void fetch_close(struct fetch *fetch)
{
	flight_end(fetch->cache, &fetch->claim);
	if (io_done(&fetch->request))
		fetch_free(fetch);
	else
		fetch->state = FETCH_ORPHAN;
}

static struct fetch *fetch_find(const struct file *file, uint64_t chunk)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state != FETCH_FREE && table[i].file == file &&
		    table[i].chunk == chunk)
			return &table[i];
	return NULL;
}

/* A free place: else one whose bytes another file's reader did not come for. */
static struct fetch *fetch_place(const struct file *file)
{
	struct fetch *oldest = NULL;

	io_poll();
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		if (fetch->state == FETCH_ORPHAN && io_done(&fetch->request))
			fetch_free(fetch);
		if (fetch->state == FETCH_FREE)
			return fetch;
		if (fetch->state == FETCH_READING && fetch->file != file &&
		    io_done(&fetch->request) && (!oldest || fetch->started < oldest->started))
			oldest = fetch;
	}
	if (oldest)
		fetch_close(oldest);
	return oldest;
}

static int fetch_begin(struct rawcache *cache, struct fetch *fetch, struct file *file, int fd)
{
	uint64_t offset = fetch->chunk * cache->chunk_bytes;
	struct io_request *request = &fetch->request;
	int err;

	request->buf = buffer_get();
	if (!request->buf)
		return -ENOMEM;
	request->file = file;
	request->fd = fd;
	request->offset = offset;
	request->length = (uint32_t)min_u64(cache->chunk_bytes, file->size - offset);
	fetch->started = clock_mono_ns();
	err = io_start(cache, request);
	if (err)
		buffer_put(request->buf);
	return err;
}

enum fetch_result fetch_start(struct rawcache *cache, struct file *file, int fd, uint64_t chunk)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, chunk);
	enum fetch_result result = FETCH_FULL;
	struct critical critical;
	struct fetch *fetch;
	struct found found;

	if (index_find(cache, &key, &found))
		return FETCH_CACHED;
	lock(&critical);
	if (fetch_find(file, chunk)) {
		result = FETCH_STARTED;
		goto out;
	}
	fetch = fetch_place(file);
	if (!fetch)
		goto out;
	result = FETCH_CACHED; /* or somebody else is at it */
	if (!flight_try(cache, &key, &fetch->claim))
		goto out;
	fetch->cache = cache;
	fetch->key = key;
	fetch->chunk = chunk;
	if (fetch_begin(cache, fetch, file, fd)) {
		flight_end(cache, &fetch->claim);
		result = FETCH_FULL;
		goto out;
	}
	fetch->file = file;
	fetch->state = FETCH_READING;
	file_share(file);
	store_relaxed(&used, used + 1);
	stats_add(readahead_bytes, fetch->request.length);
	result = FETCH_STARTED;
out:
	unlock(&critical);
	return result;
}

struct fetch *fetch_take(struct file *file, uint64_t chunk)
{
	struct critical critical;
	struct fetch *fetch;

	if (!load_relaxed(&used))
		return NULL;
	lock(&critical);
	fetch = fetch_find(file, chunk);
	if (fetch && fetch->state != FETCH_READING)
		fetch = NULL;
	if (fetch) {
		fetch->state = FETCH_TAKEN;
		flight_attend(&fetch->claim);
	}
	unlock(&critical);
	return fetch;
}

struct fetch *fetch_take_done(struct file *file)
{
	struct fetch *found = NULL;
	struct critical critical;

	if (!load_relaxed(&used))
		return NULL;
	lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES && !found; i++)
		if (table[i].state == FETCH_READING && table[i].file == file &&
		    io_done(&table[i].request))
			found = &table[i];
	if (found) {
		found->state = FETCH_TAKEN;
		flight_attend(&found->claim);
	}
	unlock(&critical);
	return found;
}

void fetch_end(struct fetch *fetch)
{
	struct critical critical;

	lock(&critical);
	fetch_close(fetch);
	unlock(&critical);
}

void fetch_drop(struct file *file)
{
	struct critical critical;

	lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state == FETCH_READING && table[i].file == file)
			fetch_close(&table[i]);
	unlock(&critical);
}

void fetch_drop_all(struct rawcache *cache)
{
	struct critical critical;

	lock(&critical);
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		if (fetch->state == FETCH_FREE || fetch->cache != cache)
			continue;
		io_wait(&fetch->request);
		fetch_close(fetch);
	}
	unlock(&critical);
}

/* --- fork */

void fetch_fork_prepare(void)
{
	pthread_mutex_lock(&fetch_lock);
	io_fork_prepare();
}

void fetch_fork_parent(void)
{
	io_fork_parent();
	pthread_mutex_unlock(&fetch_lock);
}

/* The flights and the reads are the parent's. The buffers are copies, and ours to forget. */
void fetch_fork_child(void)
{
	io_fork_child();
	for (size_t i = 0; i < FETCHES; i++) {
		if (table[i].state == FETCH_FREE)
			continue;
		table[i].claim.flight = NULL;
		store_relaxed(&table[i].request.done, IO_DONE);
		fetch_free(&table[i]);
	}
	pthread_mutex_unlock(&fetch_lock);
}
