/* SPDX-License-Identifier: MIT */
/* Runs: blocks for chunks of one file that is read in order. */
#include "core/space/space_run.h"

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "core/shared/cache.h"
#include "core/space/space_rest.h"

#define RUN_CHUNKS_MAX 64u /* bits of space_run.taken */
/*
 * 16 MiB: half of a region, so that two files which are read in order share one. A longer run would be space that a
 * file has before it needs it, and that becomes rests if it is read no further; a shorter one leaves more seams in
 * the file's mappings.
 */
#define RUN_PAGES_MAX (8 * BLOCK_PAGES_MAX)
/* Chunks arrive out of order, but by no more blocks than this. */
#define AHEAD_BLOCKS 8u
#define IDLE_S 2u
#define IMAGE_SHARE 256u

static uint64_t run_all(const struct space_run *run)
{
	return run->chunks >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << run->chunks) - 1;
}

/* Find chunks of a run that are not taken, as a piece; the next search begins at *at. */
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

/* End a run that nobody continues: its free chunks become rests. */
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

void runs_end_idle(const struct rawcache *cache, struct space *space)
{
	uint32_t now = space_now_s();

	for (uint32_t i = 0; i < SPACE_RUNS; i++) {
		struct space_run *run = &space->run[i];

		if (run->tag && run->taken != run_all(run) && now - run->touched > IDLE_S)
			run_end(cache, space, run);
	}
}

/* A run without chunks is a promise: a process is cutting the blocks for a file's run, from run->first on. */
static bool run_promised(const struct space_run *run)
{
	return run->tag && !run->chunks && space_now_s() - run->touched <= IDLE_S;
}

static bool run_valid(const struct rawcache *cache, const struct space_run *run)
{
	struct piece piece = { run->page, run->pages, run->generation };

	return piece_valid(cache, &piece) && run->chunks && run->chunks <= RUN_CHUNKS_MAX &&
	       run->pages > (run->chunks - 1) * chunk_pages(cache);
}

/* A small image cannot spare much for chunks that may never come. */
static uint64_t run_chunks_max(const struct rawcache *cache)
{
	uint64_t pages = min_u64(RUN_PAGES_MAX, cache->image.total_pages / IMAGE_SHARE);

	return min_u64(RUN_CHUNKS_MAX,
		       max_u64(round_down(pages, block_pages(cache)), block_pages(cache)) /
			       chunk_pages(cache));
}

void run_neighbours(const struct rawcache *cache, struct space *space, uint64_t tag, uint64_t chunk,
		    struct neighbours *n)
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

/* A place for a new run: a free one, else that of a full run, else of the one used longest ago. */
static struct space_run *run_place(const struct rawcache *cache, struct space *space)
{
	struct space_run *best = NULL;
	uint32_t now = space_now_s();
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

void run_promise(const struct rawcache *cache, const struct space_want *want, struct neighbours *n)
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
	run->touched = space_now_s();
	store_release(&run->tag, want->stream->tag);
}

/* Make a run of `piece`, which has the pages of the chunks that it is for, or fewer. */
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
	run->touched = space_now_s();
	run->followed = 0;
	CRASH_POINT(space_run);
	store_release(&run->tag, want->stream->tag);
}

bool run_take(const struct rawcache *cache, const struct space_want *want, struct space_run *run,
	      struct piece *taken)
{
	uint32_t i = (uint32_t)(want->stream->chunk - run->first) % RUN_CHUNKS_MAX;

	/* the chunk was stored once: it was dropped and is read again */
	if (run->taken >> i & 1 || i * chunk_pages(cache) + want->pages > run->pages) {
		run_end(cache, want->space, run);
		return false;
	}
	store_release(&run->taken, run->taken | UINT64_C(1) << i);
	run->touched = space_now_s();
	*taken = (struct piece){ run->page + i * chunk_pages(cache), want->pages, run->generation };
	return true;
}

/* --- under the lock: `hand` was cut for us; its unused pages become a rest */

/* Get pages for a run: from our hand, or from rests. */
static bool run_pages(const struct rawcache *cache, struct space *space, uint32_t pages,
		      bool blocks, struct piece *hand, struct piece *piece)
{
	if (hand->pages) {
		/* whole chunks, if it is not enough */
		if (hand->pages < pages)
			pages = (uint32_t)round_down(hand->pages, chunk_pages(cache));
		*piece = piece_split(hand, pages);
		return true;
	}
	if (!blocks)
		return rest_take(cache, space, pages, piece);
	if (!rest_take_blocks(cache, space, (uint32_t)round_up(pages, block_pages(cache)), piece))
		return false;
	if (piece->pages > pages) {
		struct piece used = piece_split(piece, pages);

		rest_put(cache, space, piece);
		*piece = used;
	}
	return true;
}

bool run_begin(const struct rawcache *cache, const struct space_want *want,
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

uint32_t run_follow(const struct rawcache *cache, const struct space_want *want,
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

bool run_awaited(const struct neighbours *n)
{
	return n->before ? n->before->followed == FOLLOW_SOON : n->promised != NULL;
}
