/* SPDX-License-Identifier: MIT */
/* Rests: pieces that were cut from regions and are free. */
#include "core/space/space_rest.h"

#include <errno.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/shared/pin.h"
#include "core/space/space_run.h"

uint32_t chunk_pages(const struct rawcache *cache)
{
	return cache->chunk_bytes >> FORMAT_PAGE_SHIFT;
}

uint32_t block_pages(const struct rawcache *cache)
{
	uint32_t pages = cache->image.region_pages;
	uint64_t least = min_u64(pages, 2 * chunk_pages(cache));

	return (uint32_t)min_u64(BLOCK_PAGES_MAX, max_u64(pages / 4, least));
}

uint32_t space_now_s(void)
{
	return (uint32_t)(clock_coarse_ms() >> 10);
}

/* An extent in one of the oldest regions would be evicted soon. */
static bool region_young(const struct rawcache *cache, const struct region *region)
{
	uint64_t opened_since = load_relaxed(&cache->image.state->order) -
				load_relaxed(&region->order);

	return opened_since < cache->image.sb.region_count / 4;
}

bool piece_valid(const struct rawcache *cache, const struct piece *piece)
{
	const struct image *image = &cache->image;

	return piece->pages && range_inside(piece->page, piece->pages, image->total_pages) &&
	       (piece->page & (image->region_pages - 1)) + (uint64_t)piece->pages <=
		       image->region_pages &&
	       generation_before(image, piece->page) == piece->generation &&
	       region_young(cache, image_region(image, piece->page));
}

struct piece piece_split(struct piece *piece, uint32_t pages)
{
	struct piece cut = { piece->page, pages, piece->generation };

	piece->page += pages;
	piece->pages -= pages;
	return cut;
}

struct piece piece_unpin(struct rawcache *cache, struct extent *extent)
{
	struct piece piece = { extent->page, extent->pages, extent->generation };
	struct extent cut = *extent;

	/* in this order, as in extent_give_back() */
	extent->pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	region_release(cache, &cut);
	return piece;
}

int piece_pin(struct rawcache *cache, const struct piece *taken, struct extent *extent)
{
	int pin;

	if (!piece_valid(cache, taken))
		return -ESTALE;
	pin = pin_get(cache, region_number(&cache->image, taken->page), taken->generation);
	extent->pin = pin; /* set before anything that a handler could leave by siglongjmp() */
	if (pin < 0)
		return pin == -ESTALE ? pin : -EBUSY;
	extent->page = taken->page;
	extent->pages = taken->pages;
	extent->generation = taken->generation;
	return 0;
}

static bool rest_load(const struct rawcache *cache, struct space_rest *rest, struct piece *piece)
{
	*piece = (struct piece){ load_relaxed(&rest->page), load_relaxed(&rest->pages),
				 load_relaxed(&rest->generation) };
	if (piece_valid(cache, piece))
		return true;
	store_relaxed(&rest->pages, 0);
	return false;
}

/* In this order: a process that dies in between loses pages, and gives none out twice. */
static void rest_store(struct space_rest *rest, const struct piece *piece)
{
	store_release(&rest->pages, 0);
	store_release(&rest->generation, piece->generation);
	store_release(&rest->page, piece->page);
	CRASH_POINT(space_rest);
	store_release(&rest->pages, piece->pages);
}

void rest_put(const struct rawcache *cache, struct space *space, const struct piece *piece)
{
	struct space_rest *smallest = &space->rest[0];
	struct piece seen;

	if (!piece_valid(cache, piece))
		return;
	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		struct space_rest *rest = &space->rest[i];
		struct piece both;

		if (rest_load(cache, rest, &seen)) {
			both = (struct piece){ seen.page, seen.pages + piece->pages,
					       seen.generation };
			if (seen.page + seen.pages == piece->page && piece_valid(cache, &both)) {
				store_release(&rest->pages, both.pages);
				return;
			}
		}
		if (rest->pages < smallest->pages)
			smallest = rest;
	}
	if (smallest->pages < piece->pages)
		rest_store(smallest, piece);
}

bool rest_take(const struct rawcache *cache, struct space *space, uint32_t pages,
	       struct piece *taken)
{
	struct space_rest *best = NULL;
	struct piece piece;
	struct piece found;

	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		if (!rest_load(cache, &space->rest[i], &piece) || piece.pages < pages ||
		    (best && found.pages <= piece.pages))
			continue;
		best = &space->rest[i];
		found = piece;
	}
	if (!best)
		return false;
	*taken = piece_split(&found, pages);
	rest_store(best, &found);
	return true;
}

bool rest_take_blocks(const struct rawcache *cache, struct space *space, uint32_t pages,
		      struct piece *taken)
{
	uint32_t block = block_pages(cache);
	struct piece piece;

	for (uint32_t i = 0; i < SPACE_RESTS; i++) {
		if (!rest_load(cache, &space->rest[i], &piece) || piece.page % block ||
		    piece.pages < block)
			continue;
		*taken = piece_split(&piece,
				     (uint32_t)round_down(min_u64(pages, piece.pages), block));
		rest_store(&space->rest[i], &piece);
		return true;
	}
	return false;
}
