/* SPDX-License-Identifier: MIT */
/* Mappings of the image in a child process. */
#include <errno.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/guard.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/region_hold.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"

void maps_fork_prepare(struct maps *maps)
{
	pthread_mutex_lock(&maps->lock);
}

void maps_fork_release(struct maps *maps)
{
	pthread_mutex_unlock(&maps->lock);
}

/*
 * A child that gets no hold makes a copy instead, if the region still has its generation: its parent may
 * have unmapped the piece, or ended, by now. Without a copy the piece is inaccessible, which is better than
 * other bytes.
 */
static void piece_copy(const struct rawcache *cache, const struct map_piece *piece)
{
	void *at = (void *)piece->start;
	size_t n = piece->end - piece->start;
	void *copy = sys_mmap(NULL, n, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!sys_is_error(copy) && !guard_copy(copy, at, n) &&
	    generation_after(&cache->image, (uint32_t)(piece->at >> FORMAT_PAGE_SHIFT)) ==
		    piece->generation &&
	    pages_move(copy, n, piece->start))
		return;
	if (!sys_is_error(copy))
		sys_munmap(copy, n);
	sys_reserve(at, n, MAP_FIXED);
}

void maps_fork_child(struct rawcache *cache)
{
	struct map_piece *piece, *next;

	if (cache->maps.hiding)
		image_data_show(&cache->image);
	cache->maps.hiding = 0;
	pieces_ask_loaded(cache, 0, UINTPTR_MAX);
	for (piece = piece_tree_next(&cache->maps, NULL, 0, UINTPTR_MAX); piece; piece = next) {
		int err = hold_get(cache, piece->region, piece->generation, piece_kind(piece));

		next = piece_tree_next(&cache->maps, piece, 0, UINTPTR_MAX);
		if (!err)
			continue;
		/* the copy is ordinary memory now: nothing is released when it is unmapped */
		if (piece->changeable ||
		    !piece_replace(piece, piece->start, piece->end - piece->start))
			piece_copy(cache, piece);
		piece_tree_remove(&cache->maps, piece);
		piece_free(cache, piece);
	}
	CRASH_POINT(map_forked);
}
