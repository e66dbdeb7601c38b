/* SPDX-License-Identifier: MIT */
/*
 * Pieces that become the origin's pages: one page that cannot be read, all pages of a file that has
 * changed, or all of a region that is asked for.
 */
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/shared/hold_ask.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"
#include "core/zerocopy/shown.h"

bool maps_fault(struct rawcache *cache, uintptr_t address)
{
	uintptr_t page = round_down(address, FORMAT_PAGE);
	struct critical critical;
	struct map_piece *piece;
	bool replaced, before;

	if (address < load_relaxed(&cache->maps.low) || address >= load_relaxed(&cache->maps.high))
		return false;
	maps_lock(&cache->maps, &critical);
	pieces_ask_loaded(cache, page, page + FORMAT_PAGE);
	piece = piece_at(&cache->maps, page);
	replaced = piece && piece_replace(piece, page, FORMAT_PAGE);
	if (replaced) {
		/* it is the origin's page from here on, and so is its next fault */
		pieces_cut(cache, page);
		pieces_cut(cache, page + FORMAT_PAGE);
		pieces_drop(cache, pieces_take(&cache->maps, page, page + FORMAT_PAGE));
		replaced_note(&cache->maps, page, page + FORMAT_PAGE);
	}
	before = !piece && replaced_find(&cache->maps, page);
	maps_unlock(&cache->maps, &critical);
	/* not if it is the origin's page that cannot be read */
	return replaced || (before && !sys_madvise((void *)page, FORMAT_PAGE, MADV_POPULATE_READ));
}

/* --- all of a file that has changed */

/* The pieces of a file; with NULL, those whose region is asked for. In the order of their addresses. */
static struct map_piece *pieces_of(struct rawcache *cache, const struct shown *shown)
{
	struct maps *maps = &cache->maps;
	struct map_piece *piece = piece_tree_next(maps, NULL, 0, UINTPTR_MAX);
	struct map_piece *taken = NULL;
	struct map_piece **link = &taken;

	while (piece) {
		struct map_piece *next = piece_tree_next(maps, piece, 0, UINTPTR_MAX);

		if (piece->spare && (shown ? piece->shown == shown :
					     piece->shown && hold_asked(cache, piece->region)))
			link = piece_unlink(maps, piece, link);
		piece = next;
	}
	return taken;
}

static bool piece_goes_on(const struct map_piece *piece, const struct map_piece *next)
{
	return next && next->start == piece->end && next->spare == piece->spare &&
	       next->mapped.prot == piece->mapped.prot &&
	       next->mapped.offset == piece->mapped.offset + (piece->end - piece->start);
}

/*
 * Pieces that lie side by side are exchanged by one call: threads that read them see all of the old pages,
 * or all of the new. What cannot be exchanged now is tried again by the watcher. Returns bytes.
 */
static uint64_t maps_exchange(struct rawcache *cache, const struct shown *shown)
{
	struct map_piece *taken = pieces_of(cache, shown);
	uint64_t bytes = 0;

	while (taken) {
		struct map_piece *first = taken, *last = taken;
		bool done;

		while (piece_goes_on(last, last->next))
			last = last->next;
		taken = last->next;
		last->next = NULL;
		done = piece_replace(first, first->start, last->end - first->start);
		if (done) {
			replaced_note(&cache->maps, first->start, last->end);
			bytes += last->end - first->start;
			pieces_drop(cache, first);
			continue;
		}
		pieces_link(&cache->maps, first);
	}
	return bytes;
}

void maps_yield(struct rawcache *cache)
{
	pieces_forget_unseen(cache);
	stats_add(mapped_origin_bytes, maps_exchange(cache, NULL));
}

static bool shown_goes(struct shown *shown)
{
	shown->ended = shown->ended || shown_written(shown);
	return shown->ended;
}

void maps_recall(struct rawcache *cache)
{
	struct shown *shown = cache->maps.shown;
	struct shown *next;

	while (shown && !shown_goes(shown))
		shown = shown->next;
	if (!shown)
		return;
	pieces_forget_unseen(cache);
	for (shown = cache->maps.shown; shown; shown = next) {
		next = shown->next; /* `shown` may be freed with its last piece; no other entry is */
		if (shown_goes(shown))
			maps_exchange(cache, shown);
	}
}

void rawcache_maps_put(struct rawcache *cache, void *taken, ptrdiff_t by)
{
	struct critical critical;

	if (!taken)
		return;
	maps_lock(&cache->maps, &critical);
	for (struct map_piece *piece = taken; piece; piece = piece->next) {
		piece->start += (uintptr_t)by;
		piece->end += (uintptr_t)by;
	}
	pieces_link(&cache->maps, taken);
	/* do what was asked for meanwhile */
	maps_recall(cache);
	maps_unlock(&cache->maps, &critical);
}
