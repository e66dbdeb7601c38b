/* SPDX-License-Identifier: MIT */
/*
 * Rests (space.h): pieces that were cut from regions and are not used. All under the lock of the log's space.
 */
#ifndef CORE_SPACE_REST_H
#define CORE_SPACE_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/shared/cache.h"
#include "core/space/region.h"

#define BLOCK_PAGES_MAX (FORMAT_DATA_ALIGN >> FORMAT_PAGE_SHIFT)

/* Pages of one region; none if `pages` is 0. */
struct piece {
	uint32_t page, pages, generation;
};

uint32_t chunk_pages(const struct rawcache *cache);

/* Pages of a block: 2 MiB; in small regions a quarter of the region, but at least two chunks. */
uint32_t block_pages(const struct rawcache *cache);

uint32_t space_now_s(void);

/* Whether the piece is valid: numbers in the segment are checked at each use. */
bool piece_valid(const struct rawcache *cache, const struct piece *piece);

struct piece piece_split(struct piece *piece, uint32_t pages);

/*
 * Pages that were cut, as a piece in our hand: the extent's pin is released. No other process can have them, so
 * they need none.
 */
struct piece piece_unpin(struct rawcache *cache, struct extent *extent);

/* Pin pages that were taken; -ESTALE: their region was recycled meanwhile; -EBUSY: no pin is free. */
int piece_pin(struct rawcache *cache, const struct piece *taken, struct extent *extent);

/* Join the piece to the rest that it continues; else it replaces the smallest rest, which is lost. */
void rest_put(const struct rawcache *cache, struct space *space, const struct piece *piece);

/* Take pages from the smallest rest that has as many. */
bool rest_take(const struct rawcache *cache, struct space *space, uint32_t pages,
	       struct piece *taken);

/* Take whole blocks, at most `pages` pages, from a rest that begins with one. */
bool rest_take_blocks(const struct rawcache *cache, struct space *space, uint32_t pages,
		      struct piece *taken);

#endif
