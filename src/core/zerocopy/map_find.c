/* SPDX-License-Identifier: MIT */
/* What of files is mapped from the image in a range: for hooks of calls that move it or make it anew. */
#include <errno.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"

/* What is mapped at `at`, given that the mapping that contains `piece` begins there or before. */
static struct rawcache_mapped piece_tell(const struct map_piece *piece, uintptr_t at)
{
	struct rawcache_mapped mapped = piece->mapped;

	mapped.origin = spare_page(piece, piece->start);
	mapped.offset -= piece->start - at;
	return mapped;
}

static bool mapped_same(const struct rawcache_mapped *a, const struct rawcache_mapped *b)
{
	return a->device == b->device && a->inode == b->inode && a->offset == b->offset &&
	       a->prot == b->prot && a->type == b->type;
}

int rawcache_maps_find(struct rawcache *cache, const void *address, size_t length,
		       struct rawcache_mapped *mapped)
{
	uintptr_t start = round_down((uintptr_t)address, FORMAT_PAGE);
	uintptr_t end = (uintptr_t)address + length;
	struct map_piece *piece = NULL;
	struct critical critical;
	int found = 0;

	maps_lock(&cache->maps, &critical);
	pieces_ask_loaded(cache, start, end);
	while (found >= 0 && (piece = piece_tree_next(&cache->maps, piece, start, end))) {
		struct rawcache_mapped other = piece_tell(piece, start);

		if (!found)
			*mapped = other;
		found = other.offset > INT64_MAX || !mapped_same(mapped, &other) ? -EFAULT : 1;
	}
	maps_unlock(&cache->maps, &critical);
	return found;
}
