/* SPDX-License-Identifier: MIT */
/* The table of fetches. */
#include "core/fill/fetch_table.h"

#include <linux/futex.h>
#include <pthread.h>

#include "base/buffer.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/origin/io.h"
#include "core/origin/pool.h"
#include "core/origin/race.h"

/* Of one device at most this many: if it stalls, there is room for others. */
#define DEVICE_FETCHES 32u

large_table struct fetch_table fetches = { .lock = PTHREAD_MUTEX_INITIALIZER };
tls_initial struct fetch *fetch_mine;

void fetches_lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&fetches.lock);
}

void fetches_unlock(struct critical *critical)
{
	pthread_mutex_unlock(&fetches.lock);
	critical_leave(critical);
}

static void fetch_free(struct fetch *fetch)
{
	/* the kernel may still write to a buffer whose request was lost: it is never freed */
	if (load_acquire(&fetch->request.done) != IO_LOST)
		buffer_put(fetch->request.buf);
	tier_forget(&fetch->ask);
	file_unshare(fetch->cache, fetch->file);
	fetch->request.buf = NULL;
	fetch->file = NULL;
	store_relaxed(&fetch->state, FETCH_FREE);
	store_release(&fetches.used, fetches.used - 1); /* pairs with fetch_drop_all() */
}

void fetch_tidy(struct fetch *fetch)
{
	if (fetch->state == FETCH_OVER && !fetch->users && io_done(&fetch->request))
		fetch_free(fetch);
}

void fetch_end(struct fetch *fetch)
{
	flight_end(fetch->cache, &fetch->claim);
	store_relaxed(&fetch->request.unwanted, true);
	store_relaxed(&fetch->state, FETCH_OVER);
	CRASH_POINT(fetch_ended);
	fetch_tidy(fetch);
}

struct fetch *fetch_use(struct fetch *fetch)
{
	fetch->users++;
	flight_attend(&fetch->claim);
	fetch_mine = fetch;
	return fetch;
}

void fetch_count(struct fetch *fetch)
{
	if (fetch->counted)
		return;
	fetch->counted = true;
	if (fetch->request.elsewhere) {
		if (load_relaxed(&fetch->request.race) == RACE_OVER)
			tier_overtaken(fetch->request.length);
		return;
	}
	stats_add(origin_reads, 1);
	if (fetch->request.result > 0)
		stats_add(origin_bytes, (uint64_t)fetch->request.result);
}

struct fetch *fetch_find(const struct file *file, uint64_t chunk)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (fetches.place[i].state != FETCH_FREE && fetches.place[i].file == file &&
		    fetches.place[i].chunk == chunk)
			return &fetches.place[i];
	return NULL;
}

bool fetch_unclaimed(const struct fetch *fetch)
{
	return fetch->state == FETCH_READING && !fetch->users && io_done(&fetch->request);
}

bool fetch_crowded(const struct file *file)
{
	uint64_t device = load_relaxed(&file->device);
	uint32_t reading = 0;

	for (size_t i = 0; i < FETCHES; i++)
		reading += fetches.place[i].state == FETCH_READING &&
			   !io_done(&fetches.place[i].request) &&
			   load_relaxed(&fetches.place[i].file->device) == device;
	return reading >= DEVICE_FETCHES;
}

struct fetch *fetch_place(const struct file *file)
{
	struct fetch *oldest = NULL;

	io_poll();
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &fetches.place[i];

		fetch_tidy(fetch);
		if (fetch->state == FETCH_FREE)
			return fetch;
		if (fetch->file != file && fetch_unclaimed(fetch) &&
		    (!oldest || fetch->started < oldest->started))
			oldest = fetch;
	}
	if (oldest)
		fetch_end(oldest);
	return oldest;
}

void fetch_init(struct fetch *fetch, struct file *file, uint32_t state, uint32_t users)
{
	fetch->file = file;
	store_relaxed(&fetch->state, state);
	fetch->users = users;
	fetch->counted = state != FETCH_READING;
	fetch->waiting = false;
	file_share(file);
	store_relaxed(&fetches.used, fetches.used + 1);
}

void fetch_step(void)
{
	fetch_add(&fetches.steps, 1);
	if (load_acquire(&fetches.settlers))
		sys_futex(&fetches.steps, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

void fetch_ended(struct fetch *fetch)
{
	struct critical critical;

	fetches_lock(&critical);
	fetch_end(fetch);
	fetches_unlock(&critical);
	fetch_step();
}
