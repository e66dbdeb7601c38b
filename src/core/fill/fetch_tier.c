/* SPDX-License-Identifier: MIT */
/* A helper that is about to read a chunk asks the tier first. */
#include <errno.h>

#include "base/compiler.h"
#include "base/stats.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/origin/io.h"
#include "core/tier/tier.h"

static void sharer_work(struct pool *pool);

struct pool fetch_sharers = { .work = sharer_work, .limit = 1, .lock = PTHREAD_MUTEX_INITIALIZER };

static int32_t fetch_instead(struct io_request *request, int fd)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	struct tier_ask *ask = &fetch->ask;
	int32_t got;

	if (!ask->asked &&
	    tier_begin(fetch->cache, request->file, fd, fetch->chunk, request->buf, ask))
		return IO_ASKED;
	got = tier_take(fetch->cache, request->file, request->buf, request->length, ask);
	request->elsewhere = got && !ask->have;
	return got;
}

static void fetch_ask(struct io_request *request)
{
	tier_ask(&container_of(request, struct fetch, request)->ask);
}

/* For who has it to itself until the question is over, though its helper may have ended it. */
static void fetch_raced(struct fetch *fetch, bool begins)
{
	struct critical critical;

	fetches_lock(&critical);
	fetch->users += begins ? 1 : -1;
	fetch_tidy(fetch);
	fetches_unlock(&critical);
	if (!begins)
		fetch_step();
}

/* Called by the tier's helper. */
static void fetch_told(struct tier_ask *ask, enum tier_news news)
{
	struct fetch *fetch = container_of(ask, struct fetch, ask);

	fetch->request.light = ask->call;
	if (news == TIER_ANSWERED) {
		io_resume(&fetch->request);
	} else if (news == TIER_LATE) {
		fetch_raced(fetch, true);
		tier_read(ask);
		io_race(&fetch->request);
	} else if (news == TIER_DROPPED || !io_rival(&fetch->request, &fetch->rival)) {
		fetch_raced(fetch, false);
	}
}

static int32_t fetch_rival(struct io_request *request, char *buf)
{
	struct fetch *fetch = container_of(request, struct fetch, request);

	return tier_overtake(request->file, buf, request->length, &fetch->ask);
}

/* What came from the tier second is dropped with `ask`. */
static void fetch_lost(struct io_request *request, bool read, int32_t got)
{
	struct fetch *fetch = container_of(request, struct fetch, request);

	if (read) {
		tier_lost(&fetch->ask);
		stats_add(origin_reads, 1);
		stats_add(origin_bytes, got > 0 ? (uint64_t)got : 0);
	}
	fetch_raced(fetch, false);
}

static void fetch_origin_read(struct io_request *request)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	bool good = request->result == (int32_t)request->length && request->unchanged;

	tier_origin(fetch->cache, request->file, &fetch->ask, request->buf, request->length,
		    request->took, good);
}

/* Whether the first chunk of the file is another helper's to read. */
static bool first_comes(const struct fetch *fetch, const struct file *file)
{
	const struct fetch *first = fetch->chunk ? fetch_find(file, 0) : NULL;

	return first && first->state == FETCH_READING && !io_done(&first->request);
}

void fetch_tier_begin(struct fetch *fetch, struct file *file)
{
	fetch->ask = (struct tier_ask){ .chosen = fetch->request.urgent,
					.tell = fetch_told,
					.unwanted = &fetch->request.unwanted };
	fetch->request.instead = NULL;
	fetch->request.race = 0;
	fetch->request.elsewhere = fetch->request.light = fetch->request.asks = false;
	fetch->shared = false;
	if (!tier_prepare(file))
		return;
	fetch->ask.first_comes = first_comes(fetch, file);
	pool_prepare(&fetch_sharers);
	fetch->request.instead = fetch_instead;
	/* of an unproven file the helper may have to read the first chunk of the mount itself */
	fetch->request.asks = tier_proven(file);
	fetch->request.ask = fetch_ask;
	fetch->request.origin_read = fetch_origin_read;
	fetch->request.rival = fetch_rival;
	fetch->request.lost = fetch_lost;
}

/* --- chunks that this machine must put: others wait for them, so they wait for no storing thread */

static void sharer_work(struct pool *pool)
{
	struct critical critical;
	struct pool_job *job;

	while ((job = pool_next(pool))) {
		struct fetch *fetch = container_of(job, struct fetch, share);

		tier_put(&fetch->ask, fetch->request.buf, fetch->request.length);
		fetches_lock(&critical);
		fetch->users--;
		fetch_tidy(fetch);
		fetches_unlock(&critical);
		fetch_step();
	}
}

void fetch_share(struct fetch *fetch)
{
	const struct io_request *request = &fetch->request;

	if (!fetch->ask.put || fetch->shared || request->result != (int32_t)request->length)
		return;
	fetch->shared = !pool_add(&fetch_sharers, &fetch->share, false);
	fetch->users += fetch->shared;
}
