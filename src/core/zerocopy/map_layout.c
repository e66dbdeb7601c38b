/* SPDX-License-Identifier: MIT */
/* Which pieces of the image a mapping is made of. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/patience.h"
#include "core/image/format.h"
#include "core/origin/file.h"
#include "core/read/file_run.h"
#include "core/shared/cache.h"
#include "core/shared/hold_ask.h"
#include "core/shared/region_hold.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_piece.h"

#define STRETCHES_MAX 1024u /* as zerocopy.h says */
/* The most that one mapping fetches, and the longest time for it; missing chunks then stay the origin's. */
#define FETCH_MAX (64u << 20)

static struct map_piece *piece_make(const struct request *request, uint64_t done,
				    const struct run *run)
{
	struct map_piece *piece = memory_get(sizeof(*piece));

	if (!piece)
		return NULL;
	*piece = (struct map_piece){
		.start = done,
		.end = done + round_up(run->length, FORMAT_PAGE),
		.region = run->region,
		.generation = run->generation,
		.at = run->at,
		.mapped = { .device = request->file->device,
			    .inode = request->file->inode,
			    .offset = request->offset + done,
			    .prot = request->prot,
			    .type = request->flags & MAP_TYPE },
		.changeable = request->prot & PROT_WRITE,
		.loaded = request->loaded,
	};
	return piece;
}

bool piece_continues(const struct map_piece *piece, const struct map_piece *before)
{
	return before && piece->start == before->end &&
	       piece->at == before->at + (before->end - before->start);
}

/* Add a run, and hold its region. */
static int layout_add(struct layout *layout, const struct request *request, uint64_t done,
		      const struct run *run)
{
	struct rawcache *cache = request->cache;
	struct map_piece *piece = NULL;
	enum hold_kind kind = request->prot & PROT_WRITE || request->loaded ? HOLD_FIRM :
									      HOLD_YIELDS;
	int err = kind == HOLD_YIELDS && hold_asked(cache, run->region) ?
			  -ENODATA :
			  hold_get_more(cache, run->region, run->generation, kind);

	if (err)
		return err;
	if (fetch_sub(&cache->maps.room, 1) > 0)
		piece = piece_make(request, done, run);
	if (!piece) {
		fetch_add(&cache->maps.room, 1);
		hold_put(cache, run->region, kind);
		return -ENOMEM;
	}
	layout->gaps |= done != (layout->last ? layout->last->end : 0);
	layout->stretches += !piece_continues(piece, layout->last);
	layout->last = piece;
	*layout->end = piece;
	layout->end = &piece->next;
	return 0;
}

void pieces_give_up(struct rawcache *cache, struct map_piece *piece)
{
	while (piece) {
		struct map_piece *next = piece->next;

		hold_put(cache, piece->region, piece_kind(piece));
		memory_put(piece, sizeof(*piece));
		fetch_add(&cache->maps.room, 1);
		piece = next;
	}
}

/*
 * Allow signals now and then: an extent that is looked at for the first time is verified, which takes time.
 */
static void signals_let_in(struct request *r)
{
	uint64_t now = clock_coarse_ms();

	if (now == r->let_in_ms)
		return;
	r->let_in_ms = now;
	critical_leave(&r->critical);
	critical_enter(&r->critical);
}

/*
 * How much of [0, length) may be fetched. Nobody knows how much of a mapping will be touched: of a database
 * or an archive, a few pages. So one chunk is fetched, unless the program has said that it wants all of it.
 * map_follow.h then stores what the program touches; if it cannot, chunks that are not fetched now are
 * never stored. Of what the dynamic loader maps nothing is fetched.
 */
static uint64_t fetch_most(const struct request *r, uint64_t length)
{
	if (r->loaded)
		return 0;
	if (r->flags & MAP_POPULATE)
		return length;
	if (load_relaxed(&r->file->ahead.advice) == POSIX_FADV_SEQUENTIAL || !follow_can(r->cache))
		return FETCH_MAX;
	return length <= r->cache->chunk_bytes ? length : 0;
}

void layout_find(struct layout *layout, struct request *r, uint64_t length)
{
	struct rawcache *cache = r->cache;
	uint64_t fetch = fetch_most(r, length);
	uint64_t until = r->flags & MAP_POPULATE ? UINT64_MAX : clock_coarse_ms() + MAP_FETCH_MS;

	r->let_in_ms = clock_coarse_ms();
	for (uint64_t done = 0; done < length && layout->stretches < STRETCHES_MAX;) {
		uint64_t at = r->offset + done;
		uint64_t rest = cache->chunk_bytes - at % cache->chunk_bytes;
		struct span span = { r->file, r->handle, r->fd, at, length - done };
		struct run run;
		int err = run_find(cache, r->file, at, length - done, &run);

		if (err && fetch && clock_coarse_ms() < until) {
			fetch -= min_u64(fetch, rest);
			critical_leave(&r->critical);
			err = run_fetch(cache, &span, &run);
			critical_enter(&r->critical);
		} else {
			signals_let_in(r);
		}
		if (!err)
			err = layout_add(layout, r, done, &run);
		if (err && err != -ENODATA && err != -ESTALE)
			break;
		done += err ? rest : run.length;
	}
}
