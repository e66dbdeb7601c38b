/* SPDX-License-Identifier: MIT */
/*
 * The origin's pages in the image's place: for one page that cannot be read, and for all of a file that
 * has changed.
 */
#include <sys/mman.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/maps.h"
#include "core/zerocopy/piece_tree.h"
#include "core/zerocopy/shown.h"

/* --- one page, which cannot be read */

void spare_put(struct map_spare *spare)
{
	if (!spare || --spare->references)
		return;
	if (!spare->torn)
		sys_munmap(spare->base, spare->bytes);
	memory_put(spare, sizeof(*spare));
}

struct map_spare *spare_get(struct map_spare *spare)
{
	if (spare)
		spare->references++;
	return spare;
}

bool pages_move(const char *from, size_t n, uintptr_t to)
{
	return !sys_is_error((void *)SYS_CALL(__NR_mremap, from, n, n,
					      MREMAP_MAYMOVE | MREMAP_FIXED, to, 0));
}

char *spare_page(const struct map_piece *piece, uintptr_t start)
{
	const struct map_spare *spare = piece->spare;
	uint64_t offset = piece->mapped.offset + (start - piece->start);

	return spare && offset >= spare->offset && offset - spare->offset < spare->bytes ?
		       spare->base + (offset - spare->offset) :
		       NULL;
}

bool piece_replace(const struct map_piece *piece, uintptr_t start, size_t n)
{
	struct map_spare *spare = piece->spare;
	int prot = piece->mapped.prot | (piece->changeable ? PROT_READ | PROT_WRITE : 0);
	char *at = spare_page(piece, start);

	if (!at || (size_t)(at - spare->base) + n > spare->bytes)
		return false;
	if (!pages_move(at, n, start))
		return false;
	if (prot != spare->prot)
		SYS_CALL(__NR_mprotect, start, n, prot, 0, 0, 0);
	/* or it may be another thread's mapping, which would go with the spare */
	if (!memory_reserve_at(at, n))
		spare->torn = true;
	return true;
}

/*
 * Under the lock. Threads that fault in one page at the same time find it replaced, and no piece any
 * more: that was no fault of the program's.
 */
static void replaced_note(struct maps *maps, uintptr_t page)
{
	maps->replaced[maps->replaced_next++ % MAPS_REPLACED] = page;
}

static bool replaced_find(const struct maps *maps, uintptr_t page)
{
	for (uint32_t i = 0; i < MAPS_REPLACED; i++)
		if (maps->replaced[i] == page)
			return true;
	return false;
}

void replaced_forget(struct maps *maps, uintptr_t start, uintptr_t end)
{
	uint32_t known = maps->replaced_next < MAPS_REPLACED ? maps->replaced_next : MAPS_REPLACED;

	for (uint32_t i = 0; i < known; i++)
		if (maps->replaced[i] >= start && maps->replaced[i] < end)
			maps->replaced[i] = 0;
}

bool maps_fault(struct rawcache *cache, uintptr_t address)
{
	uintptr_t page = round_down(address, FORMAT_PAGE);
	struct critical critical;
	struct map_piece *piece;
	bool replaced, before;

	if (address < load_relaxed(&cache->maps.low) || address >= load_relaxed(&cache->maps.high))
		return false;
	maps_lock(&cache->maps, &critical);
	piece = piece_at(&cache->maps, page);
	replaced = piece && piece_replace(piece, page, FORMAT_PAGE);
	if (replaced) {
		/* it is the origin's from here on, and so is its next fault */
		pieces_cut(cache, page);
		pieces_cut(cache, page + FORMAT_PAGE);
		pieces_drop(cache, pieces_take(&cache->maps, page, page + FORMAT_PAGE));
		replaced_note(&cache->maps, page);
	}
	before = !piece && replaced_find(&cache->maps, page);
	maps_unlock(&cache->maps, &critical);
	/* not when it is the origin's that cannot be read */
	return replaced || (before && !sys_madvise((void *)page, FORMAT_PAGE, MADV_POPULATE_READ));
}

/* --- all of a file that has changed */

/* The file's pieces, in the order of their addresses. */
static struct map_piece *pieces_of(struct maps *maps, const struct shown *shown)
{
	struct map_piece *piece = tree_next(maps, NULL, 0, UINTPTR_MAX);
	struct map_piece *taken = NULL;
	struct map_piece **link = &taken;

	while (piece) {
		struct map_piece *next = tree_next(maps, piece, 0, UINTPTR_MAX);

		if (piece->shown == shown && piece->spare)
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
 * What lies side by side is exchanged by one call: threads that read it see all of the old, or all of
 * the new. What cannot be exchanged now is tried again by the watcher.
 */
static void maps_exchange(struct rawcache *cache, const struct shown *shown)
{
	struct map_piece *taken = pieces_of(&cache->maps, shown);

	while (taken) {
		struct map_piece *first = taken, *last = taken;
		bool done;

		while (piece_goes_on(last, last->next))
			last = last->next;
		taken = last->next;
		last->next = NULL;
		done = piece_replace(first, first->start, last->end - first->start);
		if (done) {
			pieces_drop(cache, first);
			continue;
		}
		while (first) {
			struct map_piece *next = first->next;

			piece_link(&cache->maps, first);
			first = next;
		}
	}
}

void maps_recall(struct rawcache *cache)
{
	struct shown *next;

	for (struct shown *shown = cache->maps.shown; shown; shown = next) {
		next = shown->next; /* it may go with its last piece, and no other does */
		if (!shown->ended && !shown_written(shown))
			continue;
		shown->ended = true;
		maps_exchange(cache, shown);
	}
}
