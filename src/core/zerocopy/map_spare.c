/* SPDX-License-Identifier: MIT */
/* The origin's pages in the image's place. */
#include <sys/mman.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"

void spare_put(struct map_spare *spare)
{
	if (!spare || --spare->references)
		return;
	if (!spare->lost)
		sys_munmap(spare->base, spare->bytes);
	memory_put(spare, sizeof(*spare));
}

size_t rawcache_maps_behind(void *taken, const void *end)
{
	const struct map_piece *first = taken;
	struct map_spare *spare = first ? first->spare : NULL;
	uint32_t users = 0;

	if (!spare || spare->lost ||
	    (uintptr_t)spare->base != round_up((uintptr_t)end, FORMAT_PAGE))
		return 0;
	for (const struct map_piece *piece = first; piece; piece = piece->next)
		users += piece->spare == spare;
	if (users != spare->references)
		return 0;
	/* if the call fails, it stays mapped: nobody else would know whether it did */
	spare->lost = true;
	return spare->bytes;
}

struct map_spare *spare_get(struct map_spare *spare)
{
	if (spare)
		spare->references++;
	return spare;
}

bool pages_move(const char *from, size_t n, uintptr_t to)
{
	return !sys_is_error(
		(void *)SYS_CALL(__NR_mremap, from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0));
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
	/* set before the move: another thread may execute it at any time */
	if (prot != spare->prot && SYS_CALL(__NR_mprotect, at, n, prot, 0, 0, 0))
		return false;
	if (!pages_move(at, n, start)) {
		if (prot != spare->prot)
			SYS_CALL(__NR_mprotect, at, n, spare->prot, 0, 0, 0);
		return false;
	}
	/* otherwise it may become another thread's mapping, which would be unmapped with the spare */
	if (!memory_reserve_at(at, n))
		spare->lost = true;
	return true;
}

/*
 * Under the lock. Threads that fault in a range that is being replaced find no piece there any more: the
 * fault is not the program's.
 */
void replaced_note(struct maps *maps, uintptr_t start, uintptr_t end)
{
	uint32_t i = maps->replaced_next++ % MAPS_REPLACED;

	maps->replaced[i].start = start;
	maps->replaced[i].end = end;
}

bool replaced_find(const struct maps *maps, uintptr_t page)
{
	for (uint32_t i = 0; i < MAPS_REPLACED; i++)
		if (maps->replaced[i].start <= page && page < maps->replaced[i].end)
			return true;
	return false;
}

void replaced_forget(struct maps *maps, uintptr_t start, uintptr_t end)
{
	uint32_t known = maps->replaced_next < MAPS_REPLACED ? maps->replaced_next : MAPS_REPLACED;

	for (uint32_t i = 0; i < known; i++)
		if (maps->replaced[i].start < end && maps->replaced[i].end > start)
			maps->replaced[i].end = 0;
}
