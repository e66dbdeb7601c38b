/* SPDX-License-Identifier: MIT */
#include "core/space/space.h"

#include <errno.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/sys.h"
#include "core/space/evict.h"
#include "core/space/folio.h"
#include "core/shared/pin.h"
#include "core/shared/slot.h"

#define BLOCK_PAGES_MAX (FORMAT_DATA_ALIGN >> FORMAT_PAGE_SHIFT)
#define RUN_CHUNKS_MAX 64u
#define RUN_PAGES_MAX (8 * BLOCK_PAGES_MAX)
/* Chunks arrive in disorder, but for no more blocks than this. */
#define AHEAD_BLOCKS 8u
#define IDLE_S 2u
#define IMAGE_SHARE 256u
#define TRIES 16
#define WAITS_MAX 60u
#define WAIT_NS 1000000

struct space_want {
	enum region_log log;
	struct space *space; /* of the log */
	uint32_t pages;
	const struct space_stream *stream;
	uint32_t cut;  /* pages that have to be cut, for it or for the run that follows */
	uint64_t next; /* chunk that begins the run that follows */
	uint32_t waits;
};

/* Of a run, in space_run.followed: whether there is one behind it. */
enum { FOLLOW_NONE, FOLLOW_SOON, FOLLOW_DONE };

/* Pages of one region; none if `pages` is 0. */
struct piece {
	uint32_t page, pages, generation;
};

static uint32_t chunk_pages(const struct rawcache *cache)
{
	return cache->chunk_bytes >> FORMAT_PAGE_SHIFT;
}

/* 2 MiB; in small regions a quarter of them, but two chunks. */
static uint32_t block_pages(const struct rawcache *cache)
{
	uint32_t pages = cache->image.region_pages;
	uint64_t least = min_u64(pages, 2 * chunk_pages(cache));

	return (uint32_t)min_u64(BLOCK_PAGES_MAX, max_u64(pages / 4, least));
}

static uint32_t now_s(void)
{
	return (uint32_t)(clock_coarse_ms() >> 10);
}

/* What is stored in one of the oldest regions would be evicted soon. */
static bool region_young(const struct rawcache *cache, const struct region *region)
{
	uint64_t opened_since = load_relaxed(&cache->image.state->order) - load_relaxed(&region->order);

	return opened_since < cache->image.sb.region_count / 4;
}

/* Whether it may be used: nothing in the segment is believed. */
static bool piece_valid(const struct rawcache *cache, const struct piece *piece)
{
	const struct image *image = &cache->image;

	return piece->pages && range_inside(piece->page, piece->pages, image->total_pages) &&
	       (piece->page & (image->region_pages - 1)) + (uint64_t)piece->pages <=
		       image->region_pages &&
	       load_acquire(&image_region(image, piece->page)->generation) == piece->generation &&
	       region_young(cache, image_region(image, piece->page));
}

static struct piece piece_cut(struct piece *piece, uint32_t pages)
{
	struct piece cut = { piece->page, pages, piece->generation };

	piece->page += pages;
	piece->pages -= pages;
	return cut;
}

/* --- rests, under the lock */

static bool rest_load(const struct rawcache *cache, struct space_rest *rest, struct piece *piece)
{
	*piece = (struct piece){ load_relaxed(&rest->page), load_relaxed(&rest->pages),
				 load_relaxed(&rest->generation) };
	if (piece_valid(cache, piece))
		return true;
	store_relaxed(&rest->pages, 0);
	return false;
}

/* In this order: who dies in between loses pages, and gives none out twice. */
static void rest_store(struct space_rest *rest, const struct piece *piece)
{
	store_release(&rest->pages, 0);
	store_release(&rest->generation, piece->generation);
	store_release(&rest->page, piece->page);
	CRASH_POINT(space_rest);
	store_release(&rest->pages, piece->pages);
}

/* Add to what it continues; else in place of the smallest, which is lost if it is not empty. */
static void rest_put(const struct rawcache *cache, struct space *space, const struct piece *piece)
{
	struct space_rest *smallest = &space->rest[0];
	struct piece seen;

	if (!piece_valid(cache, piece))
		return;
	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		struct space_rest *rest = &space->rest[i];
		struct piece both;

		if (rest_load(cache, rest, &seen)) {
			both = (struct piece){ seen.page, seen.pages + piece->pages,
					       seen.generation };
			if (seen.page + seen.pages == piece->page && piece_valid(cache, &both)) {
				store_release(&rest->pages, both.pages);
				return;
			}
		}
		if (rest->pages < smallest->pages)
			smallest = rest;
	}
	if (smallest->pages < piece->pages)
		rest_store(smallest, piece);
}

/* From the smallest rest that has as many pages. */
static bool rest_take(const struct rawcache *cache, struct space *space, uint32_t pages,
		      struct piece *taken)
{
	struct space_rest *best = NULL;
	struct piece piece;
	struct piece found;

	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		if (!rest_load(cache, &space->rest[i], &piece) || piece.pages < pages ||
		    (best && found.pages <= piece.pages))
			continue;
		best = &space->rest[i];
		found = piece;
	}
	if (!best)
		return false;
	*taken = piece_cut(&found, pages);
	rest_store(best, &found);
	return true;
}

/* Whole blocks, at most `pages` of them, from a rest that begins with one. */
static bool rest_take_blocks(const struct rawcache *cache, struct space *space, uint32_t pages,
			     struct piece *taken)
{
	uint32_t block = block_pages(cache);
	struct piece piece;

	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		if (!rest_load(cache, &space->rest[i], &piece) || piece.page % block ||
		    piece.pages < block)
			continue;
		*taken = piece_cut(&piece,
				   (uint32_t)round_down(min_u64(pages, piece.pages), block));
		rest_store(&space->rest[i], &piece);
		return true;
	}
	return false;
}

/* --- runs, under the lock */

static uint64_t run_all(const struct space_run *run)
{
	return run->chunks >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << run->chunks) - 1;
}

/* Chunks of a run that nobody has, as a piece; the next look begins at *at. */
static bool run_hole(const struct rawcache *cache, const struct space_run *run, uint32_t *at,
		     struct piece *hole)
{
	uint32_t first = *at;
	uint32_t end;

	while (first < run->chunks && run->taken >> first & 1)
		first++;
	end = first;
	while (end < run->chunks && !(run->taken >> end & 1))
		end++;
	*at = end;
	*hole = (struct piece){ run->page + first * chunk_pages(cache),
				(uint32_t)min_u64((end - first) * chunk_pages(cache),
						  run->pages - min_u64(first * chunk_pages(cache),
								       run->pages)),
				run->generation };
	return first < end;
}

/* Nobody goes on with it: what it has left is for all. */
static void run_end(const struct rawcache *cache, struct space *space, struct space_run *run)
{
	struct space_run copy = *run;
	struct piece hole;

	store_release(&run->tag, 0);
	if (!copy.tag || copy.chunks > RUN_CHUNKS_MAX)
		return;
	for (uint32_t at = 0; run_hole(cache, &copy, &at, &hole);)
		rest_put(cache, space, &hole);
}

static void runs_end_idle(const struct rawcache *cache, struct space *space)
{
	uint32_t now = now_s();

	for (uint32_t i = 0; i < SPACE_RUNS; i++) {
		struct space_run *run = &space->run[i];

		if (run->tag && run->taken != run_all(run) && now - run->touched > IDLE_S)
			run_end(cache, space, run);
	}
}

/* Without chunks: somebody cuts the blocks for a file's first run, from run->first on. */
static bool run_promised(const struct space_run *run)
{
	return run->tag && !run->chunks && now_s() - run->touched <= IDLE_S;
}

static bool run_valid(const struct rawcache *cache, const struct space_run *run)
{
	struct piece piece = { run->page, run->pages, run->generation };

	return piece_valid(cache, &piece) && run->chunks && run->chunks <= RUN_CHUNKS_MAX &&
	       run->pages > (run->chunks - 1) * chunk_pages(cache);
}

/* A small image does not have much to spare for what may not come. */
static uint64_t run_chunks_max(const struct rawcache *cache)
{
	uint64_t pages = min_u64(RUN_PAGES_MAX, cache->image.total_pages / IMAGE_SHARE);

	return min_u64(RUN_CHUNKS_MAX,
		       max_u64(round_down(pages, block_pages(cache)), block_pages(cache)) /
			       chunk_pages(cache));
}

/* The run that has a chunk; or where the file's next run, which is to have it, begins and ends. */
struct neighbours {
	struct space_run *run;
	uint64_t first, end;	  /* chunks */
	struct space_run *before; /* that this one continues; NULL: none */
	struct space_run *promised;
};

static void run_neighbours(const struct rawcache *cache, struct space *space, uint64_t tag,
			   uint64_t chunk, struct neighbours *n)
{
	uint64_t block = block_pages(cache) / chunk_pages(cache);
	uint64_t ahead = AHEAD_BLOCKS * block;
	uint64_t chunks = block;
	uint64_t next = UINT64_MAX;

	*n = (struct neighbours){ .first = round_down(chunk, block) };
	for (uint32_t i = 0; i < SPACE_RUNS; i++) {
		struct space_run *run = &space->run[i];
		uint64_t end = run->first + run->chunks;

		if (run->tag != tag)
			continue;
		if (run_promised(run) && run->first <= chunk && chunk - run->first < ahead)
			n->promised = run;
		if (!run_valid(cache, run))
			continue;
		if (chunk >= run->first && chunk < end)
			n->run = run;
		if (run->first > chunk && run->first < next)
			next = run->first;
		if (end <= chunk && chunk - end < ahead && (!n->before || end > n->first)) {
			n->before = run;
			n->first = end;
			chunks = max_u64(2 * run->chunks, chunk + 1 - end);
		}
	}
	n->end = min_u64(n->first + min_u64(round_up(chunks, block), run_chunks_max(cache)), next);
}

/* A place for a new run: a free one, or that of one that is full, or the one used longest ago. */
static struct space_run *run_place(const struct rawcache *cache, struct space *space)
{
	struct space_run *best = NULL;
	uint32_t now = now_s();
	uint64_t best_rank = 0;

	for (uint32_t i = 0; i < SPACE_RUNS; i++) {
		struct space_run *run = &space->run[i];
		uint64_t rank = now - run->touched;

		if (!run->tag || (!run_promised(run) && !run_valid(cache, run)))
			rank = UINT64_MAX;
		else if (run->taken == run_all(run))
			rank += UINT64_C(1) << 32;
		if (!best || rank > best_rank) {
			best = run;
			best_rank = rank;
		}
	}
	run_end(cache, space, best);
	return best;
}

/* Say that a run is being made, so that nobody else makes it too. */
static void run_promise(const struct rawcache *cache, const struct space_want *want,
			struct neighbours *n)
{
	struct space_run *run;

	if (n->before) {
		n->before->followed = FOLLOW_SOON;
		return;
	}
	if (!n->promised)
		n->promised = run_place(cache, want->space);
	run = n->promised;
	store_release(&run->tag, 0);
	run->chunks = 0;
	run->first = n->first;
	run->touched = now_s();
	store_release(&run->tag, want->stream->tag);
}

/* Make a run of `piece`, which is as many pages as the chunks need that it is for, or fewer. */
static void run_add(const struct rawcache *cache, const struct space_want *want, uint64_t first,
		    struct space_run *promised, const struct piece *piece)
{
	struct space_run *run = promised ? promised : run_place(cache, want->space);

	store_release(&run->tag, 0);
	run->first = first;
	run->taken = 0;
	run->page = piece->page;
	run->pages = piece->pages;
	run->generation = piece->generation;
	run->chunks = (piece->pages + chunk_pages(cache) - 1) / chunk_pages(cache);
	run->touched = now_s();
	run->followed = 0;
	CRASH_POINT(space_run);
	store_release(&run->tag, want->stream->tag);
}

/* The chunk's place in the run. */
static bool run_take(const struct rawcache *cache, const struct space_want *want,
		     struct space_run *run, struct piece *taken)
{
	uint32_t i = (uint32_t)(want->stream->chunk - run->first) % RUN_CHUNKS_MAX;

	/* stored once before: what was dropped is read again */
	if (run->taken >> i & 1 || i * chunk_pages(cache) + want->pages > run->pages) {
		run_end(cache, want->space, run);
		return false;
	}
	store_release(&run->taken, run->taken | UINT64_C(1) << i);
	run->touched = now_s();
	*taken = (struct piece){ run->page + i * chunk_pages(cache), want->pages, run->generation };
	return true;
}

/* --- under the lock: `hand` was cut for us; what we do not use of it becomes a rest */

/* Pages for a run: from our hand, or from what is there. */
static bool run_pages(const struct rawcache *cache, struct space *space, uint32_t pages,
		      bool blocks, struct piece *hand, struct piece *piece)
{
	if (hand->pages) {
		/* whole chunks, if it is not enough */
		if (hand->pages < pages)
			pages = (uint32_t)round_down(hand->pages, chunk_pages(cache));
		*piece = piece_cut(hand, pages);
		return true;
	}
	if (!blocks)
		return rest_take(cache, space, pages, piece);
	if (!rest_take_blocks(cache, space, (uint32_t)round_up(pages, block_pages(cache)), piece))
		return false;
	if (piece->pages > pages) {
		struct piece used = piece_cut(piece, pages);

		rest_put(cache, space, piece);
		*piece = used;
	}
	return true;
}

/* Begin a run. False: so many pages have to be cut for it, or fewer, but at least a block. */
static bool run_begin(const struct rawcache *cache, const struct space_want *want,
		      const struct neighbours *n, struct piece *hand, uint32_t *cut)
{
	uint64_t chunk = chunk_pages(cache);
	uint64_t pages = min_u64((n->end - n->first) * chunk,
				 want->stream->pages - n->first * chunk);
	struct piece piece;

	*cut = (uint32_t)round_up(pages, block_pages(cache));
	if (!run_pages(cache, want->space, (uint32_t)pages,
		       n->before || pages >= block_pages(cache), hand, &piece))
		return false;
	run_add(cache, want, n->first, n->promised, &piece);
	if (n->before)
		n->before->followed = FOLLOW_DONE;
	return true;
}

/*
 * When half of a run is taken the next is made, before several threads need it at once. Returns the
 * pages that have to be cut for it, and its first chunk.
 */
static uint32_t run_follow(const struct rawcache *cache, const struct space_want *want,
			   struct space_run *run, uint64_t *next)
{
	struct piece none = { 0, 0, 0 };
	struct neighbours n;
	uint32_t cut;

	*next = run->first + run->chunks;
	if (run->followed != FOLLOW_NONE ||
	    2 * (uint32_t)__builtin_popcountll(run->taken) < run->chunks ||
	    *next * chunk_pages(cache) >= want->stream->pages)
		return 0;
	run->followed = FOLLOW_SOON;
	run_neighbours(cache, want->space, want->stream->tag, *next, &n);
	return n.run || run_begin(cache, want, &n, &none, &cut) ? 0 : cut;
}

static bool run_awaited(const struct neighbours *n)
{
	return n->before ? n->before->followed == FOLLOW_SOON : n->promised != NULL;
}

static bool stream_take(const struct rawcache *cache, struct space_want *want, struct piece *hand,
			struct piece *taken)
{
	struct neighbours n;

	for (int tries = 0; tries < TRIES; tries++) {
		run_neighbours(cache, want->space, want->stream->tag, want->stream->chunk, &n);
		if (!n.run) {
			/* somebody is making the run: it would be out of order to make another */
			want->cut = 0;
			if (run_awaited(&n) && !hand->pages && want->waits++ < WAITS_MAX)
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

static bool stream_follow(const struct rawcache *cache, struct space_want *want, struct piece *hand)
{
	struct neighbours n;

	run_neighbours(cache, want->space, want->stream->tag, want->next, &n);
	return n.run || run_begin(cache, want, &n, hand, &want->cut);
}

/* --- with the lock */

/*
 * One step: take the pages, or, with `taken` NULL, make the run that follows. 0; -ENOSPC: want->cut
 * pages have to be cut first (0: by somebody who is at it); or the lock is not to be had.
 */
static int space_step(struct rawcache *cache, struct space_want *want, struct piece *hand,
		      struct piece *taken)
{
	pthread_mutex_t *lock = &want->space->lock;
	struct critical critical;
	bool done;
	int err;

	critical_enter(&critical);
	err = runtime_lock(lock);
	if (!err) {
		if (!taken)
			done = stream_follow(cache, want, hand);
		else
			done = want->stream ? stream_take(cache, want, hand, taken)
					    : any_take(cache, want, hand, taken);
		CRASH_POINT(space_taken);
		rest_put(cache, want->space, hand);
		runtime_unlock(lock);
		err = done ? 0 : -ENOSPC;
	}
	critical_leave(&critical);
	hand->pages = 0;
	return err;
}

/* Cut what is wanted into our hand. Nobody else can have it, so that it needs no pin. */
static int space_cut(struct rawcache *cache, const struct space_want *want, struct piece *hand,
		     struct extent *extent)
{
	uint32_t least = want->stream ? block_pages(cache) : want->cut;
	int err = region_alloc_most(cache, want->log, least, want->cut, extent);
	struct extent cut;

	if (err)
		return err;
	*hand = (struct piece){ extent->page, extent->pages, extent->generation };
	/* what is larger is one write; many small ones would each walk through all blocks of the folio */
	if (want->pages < block_pages(cache) && (want->stream || want->pages >= chunk_pages(cache)))
		folio_prepare(cache, hand->page, hand->pages);
	/* in this order, as in extent_give_back() */
	cut = *extent;
	extent->pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	region_release(cache, &cut);
	return 0;
}

/* What was to be cut for the chunk's run is not to be had: others shall not wait for it. */
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

/* Pin what was taken; -ESTALE: its region was recycled meanwhile. */
static int taken_pin(struct rawcache *cache, const struct piece *taken, struct extent *extent)
{
	int pin;

	if (!piece_valid(cache, taken))
		return -ESTALE;
	pin = pin_get(cache, taken->page >> cache->image.region_pages_shift, taken->generation);
	extent->pin = pin; /* before anything that a handler could leave by siglongjmp() */
	if (pin < 0)
		return pin == -ESTALE ? pin : -EBUSY;
	extent->page = taken->page;
	extent->pages = taken->pages;
	extent->generation = taken->generation;
	return 0;
}

static bool stream_possible(const struct rawcache *cache, const struct space_stream *stream)
{
	return stream && stream->tag && block_pages(cache) >= 2 * chunk_pages(cache) &&
	       stream->pages > chunk_pages(cache) &&
	       stream->chunk <= (stream->pages - 1) / chunk_pages(cache);
}

/* Take pages, and cut more first while there are not enough. */
static int space_find(struct rawcache *cache, struct space_want *want, struct piece *taken,
		      struct extent *extent)
{
	struct timespec nap = { 0, WAIT_NS };
	struct piece hand = { 0, 0, 0 };
	int err = -EAGAIN;

	for (int tries = 0; tries < TRIES; tries++) {
		err = space_step(cache, want, &hand, taken);
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
			space_step(cache, want, &hand, NULL);
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
			err = taken_pin(cache, &taken, extent);
	}
	if (!err)
		evict_step(cache, pages);
	return err == -ESTALE ? -EAGAIN : err;
}
