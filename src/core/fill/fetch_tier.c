/* SPDX-License-Identifier: MIT */
/* A helper that is to read a chunk asks the tier first. */
#include "base/compiler.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/origin/io.h"
#include "core/tier/tier.h"

static int32_t fetch_instead(struct io_request *request, int fd)
{
	struct fetch *fetch = container_of(request, struct fetch, request);

	return tier_get(fetch->cache, request->file, fd, fetch->chunk, request->buf, request->length, &fetch->ask);
}

static void fetch_origin_read(struct io_request *request)
{
	struct fetch *fetch = container_of(request, struct fetch, request);
	bool good = request->result == (int32_t)request->length && request->unchanged;

	tier_origin(fetch->cache, request->file, &fetch->ask, request->buf, request->length, request->took, good);
}

void fetch_tier_begin(struct fetch *fetch, struct file *file)
{
	fetch->ask = (struct tier_ask){ .put = false };
	fetch->request.instead = NULL;
	fetch->request.elsewhere = false;
	if (!tier_prepare(file))
		return;
	fetch->request.instead = fetch_instead;
	fetch->request.origin_read = fetch_origin_read;
}
