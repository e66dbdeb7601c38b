/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/map_table.h"

#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/memory.h"
#include "core/image/format.h"
#include "core/read/file_run.h"
#include "core/shared/cache.h"
#include "core/shared/region_hold.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/piece_tree.h"
#include "core/zerocopy/shown.h"

/* Of all caches: a quarter of the mappings that a process may have (vm.max_map_count). */
#define PIECES_TOTAL 16000

void maps_init(struct maps *maps)
{
	pthread_mutex_init(&maps->lock, NULL);
	maps->room = PIECES_TOTAL;
	maps->low = UINTPTR_MAX;
}

void maps_lock(struct maps *maps, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&maps->lock);
}

void maps_unlock(struct maps *maps, struct critical *critical)
{
	pthread_mutex_unlock(&maps->lock);
	critical_leave(critical);
}

void piece_free(struct rawcache *cache, struct map_piece *piece)
{
	spare_put(piece->spare);
	shown_less(cache, piece->shown);
	memory_put(piece, sizeof(*piece));
	fetch_add(&cache->maps.room, 1);
}

struct map_piece *piece_at(const struct maps *maps, uintptr_t at)
{
	struct map_piece *piece = NULL;
	struct map_piece *youngest = NULL;

	while ((piece = piece_tree_next(maps, piece, at, at + 1)))
		if (!youngest || piece->serial > youngest->serial)
			youngest = piece;
	return youngest;
}

/* --- the table */

void maps_span(struct maps *maps, uintptr_t start, uintptr_t end)
{
	if (start < maps->low)
		store_relaxed(&maps->low, start);
	if (end > maps->high)
		store_relaxed(&maps->high, end);
}

void pieces_link(struct maps *maps, struct map_piece *first)
{
	for (struct map_piece *piece = first; piece; piece = piece->next) {
		piece->serial = maps->serials++;
		maps_span(maps, piece->start, piece->end);
	}
	if (first)
		piece_tree_add_list(maps, first);
}

bool maps_run(struct maps *maps, const void *address, uint64_t length, struct run *run,
	      bool *changeable)
{
	uintptr_t at = (uintptr_t)address;
	struct critical critical;
	struct map_piece *piece;

	maps_lock(maps, &critical);
	piece = piece_at(maps, at);
	if (piece) {
		run->region = piece->region;
		run->generation = piece->generation;
		run->at = piece->at + (at - piece->start);
		run->length = min_u64(length, piece->end - at);
		*changeable = piece->changeable || piece->loaded;
	}
	maps_unlock(maps, &critical);
	return piece;
}

/* --- unmapping */

bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;

	return start < load_relaxed(&cache->maps.high) &&
	       start + length > load_relaxed(&cache->maps.low);
}

static void piece_begin_at(struct map_piece *piece, uintptr_t start)
{
	piece->mapped.offset += start - piece->start;
	piece->at += start - piece->start;
	piece->start = start;
}

/*
 * Cut a piece in two, each with a hold. A piece that cannot be cut is forgotten: its hold lasts as long as
 * the process.
 */
static void piece_cut(struct rawcache *cache, struct map_piece *piece, uintptr_t at)
{
	struct map_piece *rest = memory_get(sizeof(*rest));

	piece_tree_remove(&cache->maps, piece);
	if (!rest) {
		piece_free(cache, piece);
		return;
	}
	hold_more(cache, piece->region, piece_kind(piece));
	*rest = *piece;
	spare_get(rest->spare);
	shown_more(rest->shown);
	fetch_sub(&cache->maps.room, 1);
	piece_begin_at(rest, at);
	piece->end = at;
	piece_tree_add(&cache->maps, piece);
	piece_tree_add(&cache->maps, rest);
	CRASH_POINT(map_cut);
}

void pieces_cut(struct rawcache *cache, uintptr_t at)
{
	struct map_piece *piece = piece_tree_next(&cache->maps, NULL, at, at + 1);

	while (piece) {
		struct map_piece *next = piece_tree_next(&cache->maps, piece, at, at + 1);

		if (piece->start < at)
			piece_cut(cache, piece, at);
		piece = next;
	}
}

struct map_piece **piece_unlink(struct maps *maps, struct map_piece *piece, struct map_piece **link)
{
	piece_tree_remove(maps, piece);
	piece->next = NULL;
	*link = piece;
	return &piece->next;
}

struct map_piece *pieces_take(struct maps *maps, uintptr_t start, uintptr_t end)
{
	struct map_piece *taken = piece_tree_take(maps, start, end);
	struct map_piece **link = &taken;

	while (*link) {
		struct map_piece *piece = *link;

		if (piece->end <= end) {
			link = &piece->next;
			continue;
		}
		*link = piece->next;
		piece_tree_add(maps, piece);
	}
	return taken;
}

void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = round_up(start + length, FORMAT_PAGE);
	struct map_piece *taken;
	struct critical critical;

	follow_unmapped(cache, start, end);
	maps_lock(&cache->maps, &critical);
	pieces_cut(cache, start);
	pieces_cut(cache, end);
	taken = pieces_take(&cache->maps, start, end);
	replaced_forget(&cache->maps, start, end);
	CRASH_POINT(map_taken);
	maps_unlock(&cache->maps, &critical);
	return taken;
}

void pieces_drop(struct rawcache *cache, struct map_piece *piece)
{
	while (piece) {
		struct map_piece *next = piece->next;

		hold_put(cache, piece->region, piece_kind(piece));
		piece_free(cache, piece);
		piece = next;
	}
}

void rawcache_maps_drop(struct rawcache *cache, void *taken)
{
	struct critical critical;

	if (!taken)
		return;
	maps_lock(&cache->maps, &critical);
	pieces_drop(cache, taken);
	maps_unlock(&cache->maps, &critical);
}

const void *rawcache_maps_edge(const void *taken, const void *address)
{
	uintptr_t at = (uintptr_t)address;
	uintptr_t edge = UINTPTR_MAX;

	for (const struct map_piece *piece = taken; piece; piece = piece->next) {
		uintptr_t next = piece->start > at ? piece->start : piece->end;

		if (next > at && next < edge)
			edge = next;
	}
	return edge == UINTPTR_MAX ? NULL : (const void *)edge;
}

/* --- mlockall() */

int maps_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags)
{
	struct maps *maps = &cache->maps;
	struct critical outer, critical;
	int ret;

	if (!cache->image.data || !(flags & MCL_CURRENT))
		return lock(flags);
	critical_enter(&outer); /* it must not end before the data is accessible again */
	maps_lock(maps, &critical);
	if (!maps->hiding++)
		image_data_hide(&cache->image);
	maps_unlock(maps, &critical);
	ret = lock(flags);
	maps_lock(maps, &critical);
	if (!--maps->hiding)
		image_data_show(&cache->image);
	maps_unlock(maps, &critical);
	critical_leave(&outer);
	return ret;
}
