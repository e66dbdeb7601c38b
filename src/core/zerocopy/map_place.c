/* SPDX-License-Identifier: MIT */
/* The image's pages at the addresses of a mapping. */
#include <sys/mman.h>

#include "base/checked.h"
#include "base/crash.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/shown.h"
#include "core/zerocopy/thread_held.h"

#define HUGE_PAGE ((uint64_t)2 << 20) /* of both machines, with pages of 4 KiB */

char *map_align(char *p, uint64_t length, uint64_t offset)
{
	uint64_t n = round_up(length, FORMAT_PAGE);
	char *space;

	if (n < HUGE_PAGE || ((uintptr_t)p - offset) % HUGE_PAGE == 0)
		return p;
	space = memory_reserve_aligned(n, HUGE_PAGE, offset);
	/* if it cannot be moved: another thread may have mapped something at the new address by now */
	return !sys_is_error(space) && pages_move(p, n, (uintptr_t)space) ? space : p;
}

struct map_spare *spare_make(char *base, uint64_t length, uint64_t offset, int prot)
{
	struct map_spare *spare = memory_get(sizeof(*spare));

	if (spare)
		*spare = (struct map_spare){ .base = base,
					     .bytes = round_up(length, FORMAT_PAGE),
					     .offset = offset,
					     .prot = prot,
					     .references = 1 };
	return spare;
}

/*
 * Always private, whatever the program asked for: the file is open for reading only, and a mapping that the
 * program may later make writable must not reach the image.
 */
static char *image_map(const struct request *request, char *at, uint64_t n, uint64_t place,
		       int fixed)
{
	const struct image *image = &request->cache->image;

	return sys_mmap(at, n, request->prot, MAP_PRIVATE | MAP_NORESERVE | fixed, image->fd,
			image->sb.data_offset + place);
}

static struct map_piece *stretch_last(struct map_piece *piece)
{
	while (piece->next && piece_continues(piece->next, piece))
		piece = piece->next;
	return piece;
}

struct map_piece *pieces_overlay(const struct request *request, struct map_piece *first, char *base)
{
	while (first) {
		struct map_piece *last = stretch_last(first);

		if (sys_is_error(image_map(request, base + first->start, last->end - first->start,
					   first->at, MAP_FIXED)))
			break;
		CRASH_POINT(map_laid);
		first = last->next;
	}
	return first;
}

void pieces_end_at(const struct request *request, struct map_piece **pieces,
		   struct map_piece *failed, char *base)
{
	struct map_piece **link = pieces;
	uint64_t n = stretch_last(failed)->end - failed->start;
	char *at = base + failed->start;

	if (memory_reserve_at(at, n))
		sys_mmap(at, n, request->prot, (request->flags & MAP_TYPE) | MAP_FIXED, request->fd,
			 request->offset + failed->start);
	while (*link != failed)
		link = &(*link)->next;
	*link = NULL;
	pieces_give_up(request->cache, failed);
}

/*
 * Map all pieces right below the mapping at `top`, where the kernel mostly has room: it maps from the top down. A
 * stretch that replaces nothing costs half of one that is laid over another. Returns NULL if there is no room.
 */
static char *pieces_map_below(const struct request *request, struct map_piece *first, uint64_t n,
			      char *top)
{
	uint64_t offset = request->cache->image.sb.data_offset + first->at;
	uint64_t skip = n < HUGE_PAGE ? 0 : ((uintptr_t)top - n - offset) % HUGE_PAGE;
	char *base = (uintptr_t)top > n + HUGE_PAGE ? top - n - skip : NULL;

	while (base && first) {
		struct map_piece *last = stretch_last(first);
		uint64_t bytes = last->end - first->start;
		char *at = image_map(request, base + first->start, bytes, first->at,
				     MAP_FIXED_NOREPLACE);

		if (at == base + first->start) {
			first = last->next;
			CRASH_POINT(map_laid);
			continue;
		}
		/* kernels before 4.17 take MAP_FIXED_NOREPLACE as a hint */
		if (!sys_is_error(at))
			sys_munmap(at, bytes);
		if (first->start)
			sys_munmap(base, first->start);
		base = NULL;
	}
	return base;
}

/* Map all pieces where the kernel has room. The first stretch reserves the space for all. */
static char *pieces_map_anywhere(const struct request *request, struct map_piece *first, uint64_t n)
{
	char *base = image_map(request, NULL, n, first->at, 0);
	struct map_piece *failed;
	uint64_t end;

	if (sys_is_error(base))
		return NULL;
	base = map_align(base, n, request->cache->image.sb.data_offset + first->at);
	CRASH_POINT(map_laid);
	failed = pieces_overlay(request, stretch_last(first)->next, base);
	if (!failed)
		return base;
	/*
	 * the kernel may have unmapped the address of the failed one, and another thread may have it by now
	 */
	end = stretch_last(failed)->end;
	sys_munmap(base, failed->start);
	if (end < n)
		sys_munmap(base + end, n - end);
	return NULL;
}

char *pieces_map_separate(const struct request *request, struct map_piece *first, uint64_t n,
			  char *origin)
{
	char *base = pieces_map_below(request, first, n, origin);

	return base ? base : pieces_map_anywhere(request, first, n);
}

/*
 * With the program's own flags: beside pages that are the origin's already, the kernel must see it as one
 * mapping again, or mremap() fails.
 */
struct map_spare *spare_map(const struct request *request, uint64_t length)
{
	char *base = sys_mmap(NULL, length, PROT_READ, request->flags & (MAP_TYPE | MAP_NORESERVE),
			      request->fd, request->offset);
	struct map_spare *spare;

	if (sys_is_error(base))
		return NULL;
	spare = spare_make(base, length, request->offset, PROT_READ);
	if (!spare)
		sys_munmap(base, length);
	return spare;
}

uint64_t pieces_known(struct rawcache *cache, const char *base, struct map_spare *spare)
{
	struct map_piece *first = map_build.pieces;
	uint64_t mapped = 0;

	for (struct map_piece *piece = first; piece; piece = piece->next) {
		mapped += piece->end - piece->start;
		piece->start += (uintptr_t)base;
		piece->end += (uintptr_t)base;
		piece->spare = spare_get(spare);
		piece->shown = shown_more(map_build.shown);
	}
	map_build.pieces = NULL;
	pieces_link(&cache->maps, first);
	CRASH_POINT(map_noted);
	/* somebody wanted it back while it was made */
	if (map_build.shown && (map_build.shown->ended || shown_written(map_build.shown)))
		maps_recall(cache);
	spare_put(spare);
	return mapped;
}
