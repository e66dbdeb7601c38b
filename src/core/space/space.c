/* SPDX-License-Identifier: MIT */
#include "core/space/space.h"

#include <errno.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/space/evict.h"
#include "core/space/folio.h"
#include "core/space/space_rest.h"
#include "core/space/space_run.h"

#define TRIES 16 /* each is after another process took what was there, or recycled it */

static bool stream_space_take(const struct rawcache *cache, struct space_want *want,
			      struct piece *hand, struct piece *taken)
{
	struct neighbours n;

	for (int tries = 0; tries < TRIES; tries++) {
		run_neighbours(cache, want->space, want->stream->tag, want->stream->chunk, &n);
		if (!n.run) {
			/* another process is making the run: a second one would be out of order */
			want->cut = 0;
			if (run_awaited(&n) && !hand->pages && want->waits++ < RUN_WAITS_MAX)
				return false;
			run_promise(cache, want, &n);
			if (!run_begin(cache, want, &n, hand, &want->cut))
				return false;
		} else if (run_take(cache, want, n.run, taken)) {
			want->cut = run_follow(cache, want, n.run, &want->next);
			return true;
		}
	}
	return false;
}

static bool any_take(const struct rawcache *cache, struct space_want *want, struct piece *hand,
		     struct piece *taken)
{
	want->cut = (uint32_t)round_up(want->pages, block_pages(cache));
	rest_put(cache, want->space, hand);
	hand->pages = 0;
	if (!rest_take(cache, want->space, want->pages, taken)) {
		runs_end_idle(cache, want->space);
		if (!rest_take(cache, want->space, want->pages, taken))
			return false;
	}
	want->cut = 0;
	return true;
}

static void stream_follow(const struct rawcache *cache, struct space_want *want, struct piece *hand)
{
	struct neighbours n;

	run_neighbours(cache, want->space, want->stream->tag, want->next, &n);
	if (!n.run)
		run_begin(cache, want, &n, hand, &want->cut);
}

/* --- with the lock */

/* Take the lock of the log's space. 0; or -ETIMEDOUT: the lock is not free, and what is in our hand is lost. */
static int space_enter(struct space_want *want, struct piece *hand, struct critical *critical)
{
	int err;

	critical_enter(critical);
	err = runtime_lock(&want->space->lock);
	if (err) {
		hand->pages = 0;
		critical_leave(critical);
	}
	return err;
}

/* What is left in our hand becomes a rest. */
static void space_leave(const struct rawcache *cache, struct space_want *want, struct piece *hand,
			struct critical *critical)
{
	CRASH_POINT(space_taken);
	rest_put(cache, want->space, hand);
	hand->pages = 0;
	runtime_unlock(&want->space->lock);
	critical_leave(critical);
}

/*
 * Take the wanted pages. 0; -ENOSPC: want->cut pages must be cut first (0: another process is doing so); or
 * -ETIMEDOUT: the lock is not free.
 */
static int space_take(struct rawcache *cache, struct space_want *want, struct piece *hand,
		      struct piece *taken)
{
	struct critical critical;
	int err = space_enter(want, hand, &critical);
	bool done;

	if (err)
		return err;
	done = want->stream ? stream_space_take(cache, want, hand, taken) :
			      any_take(cache, want, hand, taken);
	space_leave(cache, want, hand, &critical);
	return done ? 0 : -ENOSPC;
}

/* Make the run that follows out of the pages in our hand, before anybody needs it. */
static void space_make_next_run(struct rawcache *cache, struct space_want *want, struct piece *hand)
{
	struct critical critical;

	if (space_enter(want, hand, &critical))
		return;
	stream_follow(cache, want, hand);
	space_leave(cache, want, hand, &critical);
}

/* Cut the wanted pages into our hand. No other process can have them, so they need no pin. */
static int space_cut(struct rawcache *cache, const struct space_want *want, struct piece *hand,
		     struct extent *extent)
{
	/* what a region has left at its end becomes a rest, and the next region is cut */
	uint32_t least = want->stream ? block_pages(cache) : 1;
	int err = region_alloc_most(cache, want->log, least, want->cut, extent);

	if (err)
		return err;
	/* larger pieces are one write; many small writes would each walk through all blocks of the folio */
	if (want->pages < block_pages(cache) && (want->stream || want->pages >= chunk_pages(cache)))
		folio_prepare(cache, extent->page, extent->pages);
	*hand = piece_unpin(cache, extent);
	return 0;
}

/* Call when the space for the chunk's run could not be cut: other processes must not wait for it. */
static void space_give_up(struct rawcache *cache, const struct space_want *want, uint64_t chunk)
{
	struct critical critical;
	struct neighbours n;

	critical_enter(&critical);
	if (!runtime_lock(&want->space->lock)) {
		run_neighbours(cache, want->space, want->stream->tag, chunk, &n);
		if (n.before && n.before->followed == FOLLOW_SOON)
			n.before->followed = FOLLOW_NONE;
		if (n.promised)
			store_release(&n.promised->tag, 0);
		runtime_unlock(&want->space->lock);
	}
	critical_leave(&critical);
}

static bool stream_possible(const struct rawcache *cache, const struct space_stream *stream)
{
	return stream && stream->tag && block_pages(cache) >= 2 * chunk_pages(cache) &&
	       stream->pages > chunk_pages(cache) &&
	       stream->chunk <= (stream->pages - 1) / chunk_pages(cache);
}

/* Take pages; while there are not enough, cut more first. */
static int space_find(struct rawcache *cache, struct space_want *want, struct piece *taken,
		      struct extent *extent)
{
	struct timespec nap = { 0, RUN_WAIT_NS };
	struct piece hand = { 0, 0, 0 };
	int err = -EAGAIN;

	for (int tries = 0; tries < TRIES; tries++) {
		err = space_take(cache, want, &hand, taken);
		if (err != -ENOSPC)
			break;
		if (!want->cut) {
			tries = 0;
			sys_nanosleep(&nap);
			continue;
		}
		err = space_cut(cache, want, &hand, extent);
		if (err) {
			if (want->stream)
				space_give_up(cache, want, want->stream->chunk);
			return err;
		}
		err = -EAGAIN;
	}
	if (!err && want->cut) {
		if (!space_cut(cache, want, &hand, extent))
			space_make_next_run(cache, want, &hand);
		else
			space_give_up(cache, want, want->next);
	}
	return err;
}

int space_get(struct rawcache *cache, enum region_log log, uint32_t pages,
	      const struct space_stream *stream, struct extent *extent)
{
	struct space_want want = { .log = log,
				   .pages = pages,
				   .stream = stream_possible(cache, stream) ? stream : NULL };
	int err = cache_slot_need(cache);
	struct piece taken;

	extent->pin = -1;
	if (err)
		return err;
	if (cache->image.read_only || !pages || pages > cache->image.region_pages)
		return -EROFS;
	want.space = &cache->runtime.header->space[log];
	err = -ESTALE;
	for (int tries = 0; tries < TRIES && err == -ESTALE; tries++) {
		err = space_find(cache, &want, &taken, extent);
		if (!err)
			err = piece_pin(cache, &taken, extent);
	}
	if (!err)
		evict_step(cache, pages);
	return err == -ESTALE ? -EAGAIN : err;
}
