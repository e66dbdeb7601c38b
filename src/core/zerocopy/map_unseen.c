/* SPDX-License-Identifier: MIT */
/*
 * Pieces that were unmapped or replaced by calls that no hook saw: the kernel is asked. What lies there now
 * belongs to the program and must not be replaced by the origin's pages.
 */
#include "base/checked.h"
#include "base/lines.h"
#include "base/proctable.h"
#include "base/unusual.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"

struct unseen {
	struct rawcache *cache;
	struct vma image; /* any mapping of the image */
	uintptr_t end;	  /* up to here everything was checked */
};

/* Forget pieces in the range. They may have been moved elsewhere, so their regions stay held. */
static void range_forget(struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	struct map_piece *piece, *next;

	if (start >= end || !piece_tree_next(&cache->maps, NULL, start, end))
		return;
	pieces_cut(cache, start);
	pieces_cut(cache, end);
	for (piece = pieces_take(&cache->maps, start, end); piece; piece = next) {
		next = piece->next;
		piece_free(cache, piece);
	}
}

static bool line_forgets(void *arg, char *line)
{
	struct unseen *unseen = arg;
	struct vma vma;

	if (!vma_parse(line, &vma) || vma.device != unseen->image.device ||
	    vma.inode != unseen->image.inode)
		return false;
	range_forget(unseen->cache, unseen->end, vma.start);
	unseen->end = max_u64(unseen->end, vma.end);
	return false;
}

void pieces_forget_unseen(struct rawcache *cache)
{
	struct unseen unseen = { .cache = cache };
	char buf[4096];

	/* without the kernel's answer, the table is believed */
	if (unusual_forbidden() || !vma_find((uintptr_t)cache->image.meta, &unseen.image) ||
	    !unseen.image.inode)
		return;
	if (!lines_read("/proc/self/maps", buf, sizeof(buf), line_forgets, &unseen))
		range_forget(cache, unseen.end, UINTPTR_MAX);
}

void pieces_ask_loaded(struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	const struct map_piece *piece = NULL;

	while ((piece = piece_tree_next(&cache->maps, piece, start, end)))
		if (piece->loaded) {
			pieces_forget_unseen(cache);
			return;
		}
}
