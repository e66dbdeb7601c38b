/* SPDX-License-Identifier: MIT */
/*
 * mprotect() and mseal() of mappings of the image. If a program may not write or execute the origin's pages, it may not
 * do so with the image's either.
 */
#include <errno.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/region_hold.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"
#include "core/zerocopy/shown.h"

/*
 * The mounts of the origin and of the image may differ in whether they forbid executing mapped pages: the
 * program must see the origin's rule. Both functions under the lock.
 */
static bool exec_refused(const struct map_piece *piece)
{
	char *at = spare_page(piece, piece->start);
	long err;

	if (!at)
		return false;
	err = SYS_CALL(__NR_mprotect, at, FORMAT_PAGE, PROT_READ | PROT_EXEC, 0, 0, 0);
	SYS_CALL(__NR_mprotect, at, FORMAT_PAGE, piece->spare->prot, 0, 0, 0);
	return err == -EACCES;
}

static bool piece_exchange(struct rawcache *cache, struct map_piece *piece)
{
	if (piece->changeable || !piece_replace(piece, piece->start, piece->end - piece->start))
		return false;
	piece_tree_remove(&cache->maps, piece);
	hold_put(cache, piece->region, piece_kind(piece));
	piece_free(cache, piece);
	return true;
}

/*
 * The program will write to the piece. If its region cannot be held firmly, the piece becomes the origin's,
 * where possible.
 */
static void piece_change(struct rawcache *cache, struct map_piece *piece)
{
	if (piece->changeable)
		return;
	if (!piece->loaded && !hold_firm(cache, piece->region, true)) {
		if (piece_exchange(cache, piece))
			return;
		hold_firm(cache, piece->region, false);
	}
	piece->changeable = true;
	shown_less(cache, piece->shown);
	piece->shown = NULL;
}

/* Under the lock. */
static bool range_shared(const struct maps *maps, uintptr_t start, uintptr_t end)
{
	const struct map_piece *piece = NULL;

	while ((piece = piece_tree_next(maps, piece, start, end)))
		if (piece->mapped.type == MAP_SHARED)
			return true;
	return false;
}

/* Under the lock. */
static int range_execute(struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	bool never = image_never_executes(&cache->image);
	struct map_piece *piece = piece_tree_next(&cache->maps, NULL, start, end);

	while (piece) {
		struct map_piece *next = piece_tree_next(&cache->maps, piece, start, end);

		if (exec_refused(piece))
			return -EACCES;
		if (never)
			piece_exchange(cache, piece);
		piece = next;
	}
	return 0;
}

/*
 * Pieces are exchanged with one protection each, so a part with another protection must be a piece of its
 * own. A program that protects page after page must not use up the table: then the piece becomes the
 * origin's, which the kernel cuts.
 */
static void edge_cut(struct rawcache *cache, uintptr_t at)
{
	struct map_piece *piece = piece_tree_next(&cache->maps, NULL, at, at + 1);

	while (load_relaxed(&cache->maps.room) <= 0 && piece) {
		struct map_piece *next = piece_tree_next(&cache->maps, piece, at, at + 1);

		if (piece->start < at)
			piece_exchange(cache, piece);
		piece = next;
	}
	pieces_cut(cache, at);
}

int rawcache_maps_protect(struct rawcache *cache, const void *address, size_t length, int prot)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = round_up(start + length, FORMAT_PAGE);
	struct map_piece *piece, *next;
	struct critical critical;
	int err = 0;

	maps_lock(&cache->maps, &critical);
	pieces_ask_loaded(cache, start, end);
	edge_cut(cache, start);
	edge_cut(cache, end);
	if (prot & PROT_WRITE && range_shared(&cache->maps, start, end))
		err = -EACCES;
	else if (prot & PROT_EXEC)
		err = range_execute(cache, start, end);
	for (piece = err ? NULL : piece_tree_next(&cache->maps, NULL, start, end); piece;
	     piece = next) {
		next = piece_tree_next(&cache->maps, piece, start, end);
		piece->mapped.prot = prot;
		if (prot & PROT_WRITE)
			piece_change(cache, piece);
	}
	maps_unlock(&cache->maps, &critical);
	return err;
}

void rawcache_maps_restore(struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = round_up(start + length, FORMAT_PAGE);
	struct map_piece *piece, *next;
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	pieces_ask_loaded(cache, start, end);
	edge_cut(cache, start);
	edge_cut(cache, end);
	for (piece = piece_tree_next(&cache->maps, NULL, start, end); piece; piece = next) {
		next = piece_tree_next(&cache->maps, piece, start, end);
		piece_exchange(cache, piece);
	}
	maps_unlock(&cache->maps, &critical);
}
