/* SPDX-License-Identifier: MIT */
/* The server of a file is asked once for all chunks of it that have arrived: see origin/confirm.h. */
#include "base/clock.h"
#include "base/critical.h"
#include "base/stats.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/origin/confirm.h"
#include "core/origin/doubt.h"
#include "core/origin/io.h"
#include "core/origin/pool.h"

/* At most this many chunks wait for one look: half of the table stays free for reading. */
#define LOOK_BATCH 8u

static void look_ended(struct io_request *request);

static bool fetch_waits(const struct fetch *fetch, const struct file *file)
{
	/* a chunk that a program's thread stores by itself is not ours to touch */
	return fetch->state == FETCH_STORING && fetch->waiting && fetch->file == file;
}

/* Under the lock: the fetch whose request asks the server about `file`. */
static struct fetch *looking_find(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (fetches.place[i].state != FETCH_FREE && fetches.place[i].looking &&
		    fetches.place[i].file == file)
			return &fetches.place[i];
	return NULL;
}

/* Under the lock. 0, or -errno if there is no helper that could ask. */
static int look_begin(struct fetch *fetch, bool make)
{
	int err;

	if (make)
		pool_prepare(&fetch_storers);
	/*
	 * With a tier, other machines may wait for this chunk, or for one that arrives while its look is queued:
	 * behind all reads it might never be the next.
	 */
	fetch->look = (struct io_request){ .file = fetch->file,
					   .arrived = look_ended,
					   .urgent = fetch->request.instead != NULL };
	err = io_look(&fetch->look, make);
	fetch->looking = !err;
	fetch->users += !err;
	return err;
}

/*
 * Under the lock: the chunk was read and shall be stored when the server has confirmed it. Chunks of small
 * files are asked for at once.
 */
static int fetch_look_ask(struct fetch *fetch, bool make)
{
	struct fetch *leader = looking_find(fetch->file);
	uint32_t waiting = 0;
	int err = 0;

	fetch->confirmed = false;
	fetch->waiting = true;
	fetch->arrived = clock_mono_ns();
	for (size_t i = 0; i < FETCHES; i++)
		waiting += fetch_waits(&fetches.place[i], fetch->file);
	if (!leader) {
		leader = fetch;
		err = look_begin(fetch, make);
	}
	if (!err && (fetch->small || fetch->ask.put || waiting >= LOOK_BATCH ||
		     load_relaxed(&fetches.settlers) ||
		     (fetch->claim.flight && load_relaxed(&fetch->claim.flight->waiters))))
		io_look_hurry(&leader->look);
	fetch->waiting = !err;
	return err;
}

int fetch_submit(struct fetch *fetch, bool make)
{
	if (confirm_needed(fetch->file))
		return fetch_look_ask(fetch, make);
	fetch->confirmed = true;
	fetch_share(fetch);
	return fetch->small && make ? storer_post(fetch) :
				      pool_add(&fetch_storers, &fetch->request.job, make);
}

/* Under the lock: apply the answer to the chunks that had arrived when the server was asked. */
static void look_settle(const struct file *file, const struct io_request *look)
{
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *fetch = &fetches.place[i];

		if (!fetch_waits(fetch, file) || fetch->arrived > look->looked)
			continue;
		fetch->confirmed = true;
		fetch->waiting = false;
		if (look->result != 1) {
			stats_bypass(RAWCACHE_REASON_changed);
			doubt_changed(load_relaxed(&file->doubt));
			fetch_end(fetch);
			continue;
		}
		fetch_share(fetch);
		if (pool_add(&fetch_storers, &fetch->request.job, false)) {
			/* the next read of the file stores it */
			store_relaxed(&fetch->state, FETCH_READING);
			flight_neglect(&fetch->claim);
		}
	}
}

static struct fetch *waiting_find(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (fetch_waits(&fetches.place[i], file))
			return &fetches.place[i];
	return NULL;
}

/* Called by the helper that has asked. Chunks that arrived since wait for the next look. */
static void look_ended(struct io_request *request)
{
	struct fetch *leader = container_of(request, struct fetch, look);
	struct critical critical;
	struct fetch *next;

	fetches_lock(&critical);
	look_settle(leader->file, request);
	leader->looking = false;
	while ((next = waiting_find(leader->file)) && look_begin(next, false))
		fetch_end(next);
	if (next && load_relaxed(&fetches.settlers))
		io_look_hurry(&next->look);
	leader->users--;
	fetch_tidy(leader);
	fetches_unlock(&critical);
	fetch_step();
}

void looks_hurry(const struct file *file)
{
	for (size_t i = 0; i < FETCHES; i++)
		if (fetches.place[i].state != FETCH_FREE && fetches.place[i].looking &&
		    (!file || fetches.place[i].file == file))
			io_look_hurry(&fetches.place[i].look);
}
