/* SPDX-License-Identifier: MIT */
/* A helper that is to read a chunk asks the tier first. */
#include <errno.h>

#include "base/compiler.h"
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
		return -EINPROGRESS;
	got = tier_take(fetch->cache, request->file, request->buf, request->length, ask);
	request->elsewhere = got && !ask->have;
	return got;
}

static void fetch_ask(struct io_request *request)
{
	tier_ask(&container_of(request, struct fetch, request)->ask);
}

/* By the tier's helper. */
static void fetch_answered(struct tier_ask *ask)
{
	struct fetch *fetch = container_of(ask, struct fetch, ask);

	fetch->request.light = ask->call;
	io_resume(&fetch->request);
}

static void fetch_origin_read(struct io_request *request)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	bool good = request->result == (int32_t)request->length && request->unchanged;

	tier_origin(fetch->cache, request->file, &fetch->ask, request->buf, request->length,
		    request->took, good);
}

void fetch_tier_begin(struct fetch *fetch, struct file *file)
{
	fetch->ask = (struct tier_ask){ .chosen = fetch->request.urgent,
					.answered = fetch_answered,
					.unwanted = &fetch->request.unwanted };
	fetch->request.instead = NULL;
	fetch->request.elsewhere = fetch->request.light = false;
	fetch->shared = false;
	if (!tier_prepare(file))
		return;
	pool_prepare(&fetch_sharers);
	fetch->request.instead = fetch_instead;
	fetch->request.ask = fetch_ask;
	fetch->request.origin_read = fetch_origin_read;
}

/* --- what is ours to put: other machines wait for it, so that it waits for no storing thread */

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
