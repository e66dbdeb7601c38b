/* SPDX-License-Identifier: MIT */
#include "core/fill/fetch.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/buffer.h"
#include "core/space/evict.h"
#include "core/origin/confirm.h"
#include "core/origin/doubt.h"
#include "core/space/extent.h"
#include "core/origin/pool.h"
#include "core/shared/storage.h"

#define FETCHES 48u
/* Those that one device may be asked for: when it stalls there is room for others. */
#define DEVICE_FETCHES 32u
#define STORERS 2u
#define SETTLE_MS 2000u
#define IMPATIENT_MS 10000u
#define SLICE_NS 20000000
#define NAP_NS 100000
/* Small chunks that are stored at once, by one write of at most a buffer's size. */
#define BATCH 16u
/* So many chunks wait for one look at most: half of what there is room for is kept for reading. */
#define LOOK_BATCH 8u
#define BATCH_NAP_NS 2000000

enum { FETCH_FREE, FETCH_READING, FETCH_STORING, FETCH_OVER };

static void storer_work(struct pool *pool);

static pthread_mutex_t fetch_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fetch table[FETCHES];
static uint32_t used; /* not FREE: most reads find out here that there is nothing */
static struct pool storers = { .work = storer_work,
			       .limit = STORERS,
			       .lock = PTHREAD_MUTEX_INITIALIZER };
static uint32_t steps; /* futex: grows whenever somebody else has brought one further */
static uint64_t impatient_until; /* clock_coarse_ms(): waiting was in vain */
static uint32_t settlers; /* threads that wait for it */
static bool napping; /* a storing thread waits for more small chunks */
static uint32_t gathered; /* small chunks since then */
static uint32_t hurry; /* futex: its nap is over */
static tls_initial struct fetch *mine; /* that this thread uses */

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

/* --- under the lock */

static void fetch_free(struct fetch *fetch)
{
	/* a buffer that the kernel may still write to is nobody's for ever */
	if (load_acquire(&fetch->request.done) != IO_LOST)
		buffer_put(fetch->request.buf);
	file_unshare(fetch->cache, fetch->file);
	fetch->request.buf = NULL;
	fetch->file = NULL;
	store_relaxed(&fetch->state, FETCH_FREE);
	store_release(&used, used - 1); /* pairs with fetch_drop_all() */
}

static void fetch_tidy(struct fetch *fetch)
{
	if (fetch->state == FETCH_OVER && !fetch->users && io_done(&fetch->request))
		fetch_free(fetch);
}

static void fetch_end(struct fetch *fetch)
{
	flight_end(fetch->cache, &fetch->claim);
	store_relaxed(&fetch->request.unwanted, true);
	store_relaxed(&fetch->state, FETCH_OVER);
	CRASH_POINT(fetch_ended);
	fetch_tidy(fetch);
}

static struct fetch *fetch_use(struct fetch *fetch)
{
	fetch->users++;
	flight_attend(&fetch->claim);
	mine = fetch;
	return fetch;
}

/* Once, when its request has ended. */
static void fetch_count(struct fetch *fetch)
{
	if (fetch->counted)
		return;
	fetch->counted = true;
	stats_add(origin_reads, 1);
	if (fetch->request.result > 0)
		stats_add(origin_bytes, (uint64_t)fetch->request.result);
}

static struct fetch *fetch_find(const struct file *file, uint64_t chunk)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state != FETCH_FREE && table[i].file == file &&
		    table[i].chunk == chunk)
			return &table[i];
	return NULL;
}

/* Arrived, and nobody does anything about it. */
static bool fetch_lies(const struct fetch *fetch)
{
	return fetch->state == FETCH_READING && !fetch->users && io_done(&fetch->request);
}

/* Its device has enough to do. */
static bool fetch_crowded(const struct file *file)
{
	uint64_t device = load_relaxed(&file->device);
	uint32_t reading = 0;

	for (size_t i = 0; i < FETCHES; i++)
		reading += table[i].state == FETCH_READING && !io_done(&table[i].request) &&
			   load_relaxed(&table[i].file->device) == device;
	return reading >= DEVICE_FETCHES;
}

/* A free place: else one whose bytes another file's reader did not come for. */
static struct fetch *fetch_place(const struct file *file)
{
	struct fetch *oldest = NULL;

	io_poll();
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		fetch_tidy(fetch);
		if (fetch->state == FETCH_FREE)
			return fetch;
		if (fetch->file != file && fetch_lies(fetch) &&
		    (!oldest || fetch->started < oldest->started))
			oldest = fetch;
	}
	if (oldest)
		fetch_end(oldest);
	return oldest;
}

/* What begins to be on its way. `users` are there already. */
static void fetch_init(struct fetch *fetch, struct file *file, uint32_t state, uint32_t users)
{
	fetch->file = file;
	store_relaxed(&fetch->state, state);
	fetch->users = users;
	fetch->counted = state != FETCH_READING;
	file_share(file);
	store_relaxed(&used, used + 1);
}

/* --- storing */

static void fetch_step(void)
{
	fetch_add(&steps, 1);
	if (load_acquire(&settlers))
		sys_futex(&steps, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

static void fetch_ended(struct fetch *fetch)
{
	struct critical critical;

	lock(&critical);
	fetch_end(fetch);
	unlock(&critical);
	fetch_step();
}

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
	    (fetch->confirmed || confirm_by_descriptor(fetch->file, request->fd)))
		extent_store(cache, fetch->piece ? fetch->parts : &fetch->key, fetch->piece,
			     request->buf, request->length, fetch->ordered ? &stream : NULL);
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
	uint32_t bytes; /* in `buf` */
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
		return; /* somebody else does it */
	memcpy(batch->buf + batch->bytes, fetch->request.buf, small_bytes(fetch));
	batch->bytes += small_bytes(fetch);
	batch->piece[batch->pieces++] =
		(struct extent_piece){ fetch->key, fetch->request.length };
	if (fetch->name.length)
		batch->piece[batch->pieces++] = fetch->name;
}

/* Until there are more of them, or somebody is in a hurry. */
static void batch_nap(void)
{
	struct timespec nap = { 0, BATCH_NAP_NS };
	struct critical critical;
	uint32_t seen;
	bool wait;

	lock(&critical);
	seen = load_relaxed(&hurry);
	wait = !load_relaxed(&settlers) && gathered < BATCH;
	napping = wait;
	unlock(&critical);
	if (wait)
		sys_futex(&hurry, FUTEX_WAIT_PRIVATE, seen, &nap);
	lock(&critical);
	napping = false;
	gathered = 0;
	unlock(&critical);
}

/* Under the lock. */
static void batch_hurry(void)
{
	if (!napping)
		return;
	fetch_add(&hurry, 1);
	sys_futex(&hurry, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
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

		storage_bound(fetch->cache); /* before, because the cache lasts until the store has ended */
		if (fetch->small)
			batch_work(pool, fetch);
		else
			fetch_store(fetch);
	}
}

/* Under the lock. */
static int storer_post(struct fetch *fetch)
{
	if (fetch->small && napping) {
		if (++gathered >= BATCH)
			batch_hurry();
		return pool_post(&storers, &fetch->request.job);
	}
	return pool_add(&storers, &fetch->request.job, true);
}

/* --- asking the server, for all that has come of a file */

static void look_ended(struct io_request *request);

static bool fetch_waits(const struct fetch *fetch, const struct file *file)
{
	return fetch->state == FETCH_STORING && !fetch->confirmed && fetch->file == file;
}

/* Under the lock: who asks for `file`. */
static struct fetch *looking_find(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state != FETCH_FREE && table[i].looking && table[i].file == file)
			return &table[i];
	return NULL;
}

/* Under the lock. 0, or why nobody can ask. */
static int look_begin(struct fetch *fetch, bool make)
{
	int err;

	if (make)
		pool_prepare(&storers);
	fetch->look = (struct io_request){ .file = fetch->file, .arrived = look_ended };
	err = io_look(&fetch->look, make);
	fetch->looking = !err;
	fetch->users += !err;
	return err;
}

/*
 * Under the lock: it is read, and shall be stored when the server has confirmed it. Small files
 * have nothing to wait for.
 */
static int fetch_ask(struct fetch *fetch, bool make)
{
	struct fetch *leader = looking_find(fetch->file);
	uint32_t waiting = 0;
	int err = 0;

	fetch->confirmed = false;
	fetch->arrived = clock_mono_ns();
	for (size_t i = 0; i < FETCHES; i++)
		waiting += fetch_waits(&table[i], fetch->file);
	if (!leader) {
		leader = fetch;
		err = look_begin(fetch, make);
	}
	if (!err && (fetch->small || waiting >= LOOK_BATCH || load_relaxed(&settlers) ||
		     (fetch->claim.flight && load_relaxed(&fetch->claim.flight->waiters))))
		io_look_hurry(&leader->look);
	return err;
}

/* Under the lock: hand it to a thread that stores, or have the server asked first. */
static int fetch_submit(struct fetch *fetch, bool make)
{
	if (confirm_needed(fetch->file))
		return fetch_ask(fetch, make);
	fetch->confirmed = true;
	return fetch->small && make ? storer_post(fetch) :
				      pool_add(&storers, &fetch->request.job, make);
}

/* Under the lock: what had come when the server was asked. */
static void look_settle(const struct file *file, const struct io_request *look)
{
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		if (!fetch_waits(fetch, file) || fetch->arrived > look->looked)
			continue;
		fetch->confirmed = true;
		if (look->result != 1) {
			stats_bypass(RAWCACHE_REASON_changed);
			doubt_raise(load_relaxed(&file->doubt), false);
			fetch_end(fetch);
		} else if (pool_add(&storers, &fetch->request.job, false)) {
			/* for a read that passes by */
			store_relaxed(&fetch->state, FETCH_READING);
			flight_neglect(&fetch->claim);
		}
	}
}

static struct fetch *waiting_find(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (fetch_waits(&table[i], file))
			return &table[i];
	return NULL;
}

/* By the helper that has asked. What came since then waits for the next look. */
static void look_ended(struct io_request *request)
{
	struct fetch *leader = container_of(request, struct fetch, look);
	struct critical critical;
	struct fetch *next;

	lock(&critical);
	look_settle(leader->file, request);
	leader->looking = false;
	while ((next = waiting_find(leader->file)) && look_begin(next, false))
		fetch_end(next);
	if (next && load_relaxed(&settlers))
		io_look_hurry(&next->look);
	leader->users--;
	fetch_tidy(leader);
	unlock(&critical);
	fetch_step();
}

/* Under the lock: somebody waits. */
static void looks_hurry(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state != FETCH_FREE && table[i].looking &&
		    (!file || table[i].file == file))
			io_look_hurry(&table[i].look);
}

/* By the helper that has read it: somebody shall store it, if it is worth it. */
static void fetch_arrived(struct io_request *request)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	struct critical critical;

	lock(&critical);
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
	unlock(&critical);
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
	lock(&critical);
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
	unlock(&critical);
	return adopted;
}

/* Under the lock: of `file`, or of any. */
static bool any_pending(const struct file *file, bool small)
{
	for (size_t i = 0; i < FETCHES; i++) {
		const struct fetch *fetch = &table[i];

		if ((!file || fetch->file == file) &&
		    ((fetch->state == FETCH_STORING && (small || !fetch->small)) ||
		     (fetch->state == FETCH_READING && fetch->users && io_done(&fetch->request))))
			return true;
	}
	return false;
}

void fetch_settle(const struct file *file, bool small)
{
	struct timespec slice = { 0, SLICE_NS };
	struct timespec nap = { 0, NAP_NS / 4 };
	uint64_t end = clock_coarse_ms() + SETTLE_MS;
	struct critical critical;
	bool pending = true;

	if (!load_relaxed(&used) || clock_coarse_ms() < load_relaxed(&impatient_until))
		return;
	fetch_add(&settlers, 1);
	while (clock_coarse_ms() < end) {
		uint32_t seen = load_acquire(&steps);

		/* a handler may end the program in the middle of whatever faulted */
		critical_enter(&critical);
		if (pthread_mutex_trylock(&fetch_lock)) {
			critical_leave(&critical);
			sys_nanosleep(&nap);
			continue;
		}
		pending = any_pending(file, small);
		if (pending && small)
			batch_hurry();
		if (pending)
			looks_hurry(file);
		unlock(&critical);
		if (!pending)
			break;
		CRASH_POINT(fetch_settling);
		sys_futex(&steps, FUTEX_WAIT_PRIVATE, seen, &slice);
	}
	fetch_sub(&settlers, 1);
	if (pending)
		store_relaxed(&impatient_until, clock_coarse_ms() + IMPATIENT_MS);
}

void rawcache_settle(void)
{
	fetch_settle(NULL, true);
}

/* A program that ends has its last bytes, but the image may not. After all other destructors of ours. */
__attribute__((destructor(101))) static void fetch_exit(void)
{
	rawcache_settle();
}

/* --- reading */

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
	request->forget = !cache->options.keep_origin;
	request->unchanged = request->unwanted = false;
	request->arrived = fetch_arrived;
	fetch->started = clock_mono_ns();
	err = io_start(cache, request);
	if (err)
		buffer_put(request->buf);
	return err;
}

enum fetch_result fetch_start(struct rawcache *cache, struct file *file, int fd, uint64_t chunk,
			      bool ordered)
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
	fetch = fetch_crowded(file) ? NULL : fetch_place(file);
	if (!fetch)
		goto out;
	result = FETCH_CACHED; /* or somebody else is at it */
	if (!flight_try(cache, &key, &fetch->claim))
		goto out;
	CRASH_POINT(fetch_claimed);
	fetch->cache = cache;
	fetch->key = key;
	fetch->chunk = chunk;
	fetch->ordered = ordered;
	fetch->small = false;
	fetch->piece = 0;
	fetch->confirmed = fetch->looking = false;
	fetch->name.length = 0;
	if (fetch_begin(cache, fetch, file, fd)) {
		flight_end(cache, &fetch->claim);
		result = FETCH_FULL;
		goto out;
	}
	CRASH_POINT(fetch_begun);
	fetch_init(fetch, file, FETCH_READING, fetch->request.backend->arrives);
	chunk_fresh(file, chunk, 0);
	if (fetch->users) {
		pool_prepare(&storers);
		flight_attend(&fetch->claim);
	}
	stats_add(readahead_bytes, fetch->request.length);
	result = FETCH_STARTED;
out:
	unlock(&critical);
	return result;
}

/* Parts that are not stored yet. */
static struct fetch *parts_fetched(const struct file *file, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < FETCHES; i++) {
		const struct io_request *request = &table[i].request;

		if (table[i].state == FETCH_STORING && table[i].piece && table[i].file == file &&
		    request->offset <= from && to <= request->offset + request->length)
			return &table[i];
	}
	return NULL;
}

struct fetch *fetch_take(struct file *file, uint64_t chunk, uint64_t from, uint64_t to)
{
	struct critical critical;
	struct fetch *fetch;

	if (!load_relaxed(&used))
		return NULL;
	lock(&critical);
	fetch = fetch_find(file, chunk);
	if (!fetch)
		fetch = parts_fetched(file, from, to);
	if (fetch)
		fetch = fetch->state == FETCH_OVER ? NULL : fetch_use(fetch);
	unlock(&critical);
	return fetch;
}

void fetch_put(struct fetch *fetch)
{
	struct critical critical;

	lock(&critical);
	mine = NULL;
	fetch->users--;
	fetch_tidy(fetch);
	unlock(&critical);
}

bool fetch_claim(struct fetch *fetch)
{
	struct critical critical;
	bool ours;

	if (load_relaxed(&fetch->state) == FETCH_STORING)
		return false;
	lock(&critical);
	/* a helper that has just read it is about to */
	ours = fetch->state == FETCH_READING && fetch->users == 1;
	if (ours) {
		fetch_count(fetch);
		store_relaxed(&fetch->state, FETCH_STORING);
	}
	unlock(&critical);
	return ours;
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
		if (table[i].file == file && fetch_lies(&table[i]))
			found = &table[i];
	if (found) {
		fetch_count(found);
		store_relaxed(&fetch_use(found)->state, FETCH_STORING);
	}
	unlock(&critical);
	return found;
}

void fetch_reject(struct fetch *fetch)
{
	struct critical critical;

	lock(&critical);
	if (fetch->state == FETCH_READING)
		fetch_end(fetch);
	unlock(&critical);
}

void fetch_drop(struct file *file)
{
	struct critical critical;

	lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES; i++)
		if (table[i].state == FETCH_READING && table[i].file == file)
			fetch_end(&table[i]);
	unlock(&critical);
}

/* Whether nothing of the cache is left. */
static bool drop_round(const struct rawcache *cache)
{
	struct critical critical;
	bool over = true;

	lock(&critical);
	io_poll();
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		if (fetch->state == FETCH_FREE || fetch->cache != cache)
			continue;
		if (fetch->state == FETCH_READING)
			fetch_end(fetch);
		else
			fetch_tidy(fetch);
		over = over && fetch->state == FETCH_FREE;
	}
	unlock(&critical);
	return over;
}

void fetch_drop_all(struct rawcache *cache)
{
	struct timespec nap = { 0, NAP_NS };

	while (load_acquire(&used) && !drop_round(cache))
		sys_nanosleep(&nap);
}

/* --- fork */

void fetch_fork_prepare(void)
{
	pthread_mutex_lock(&fetch_lock);
	pool_fork_prepare(&storers);
	io_fork_prepare();
}

void fetch_fork_parent(void)
{
	io_fork_parent();
	pool_fork_parent(&storers);
	pthread_mutex_unlock(&fetch_lock);
}

/*
 * The flights, the reads and the stores are the parent's. The buffers are copies, and ours to
 * forget: but for the one that this thread uses, if a signal handler forks in the middle of it.
 */
void fetch_fork_child(void)
{
	io_fork_child();
	pool_fork_child(&storers);
	settlers = 0;
	napping = false;
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &table[i];

		if (fetch->state == FETCH_FREE)
			continue;
		fetch->claim.flight = NULL;
		if (!io_done(&fetch->request)) {
			fetch->request.result = -EIO;
			store_relaxed(&fetch->request.done, IO_DONE);
		}
		store_relaxed(&fetch->state, FETCH_OVER);
		fetch->looking = false;
		fetch->users = fetch == mine;
		fetch_tidy(fetch);
	}
	pthread_mutex_unlock(&fetch_lock);
}
