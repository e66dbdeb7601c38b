/* SPDX-License-Identifier: MIT */
/*
 * Where a chunk lies in the image, in one word: bit 63 valid, 62..32 the region's generation (31 bits), 31..0 its
 * page.
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include <stdint.h>

#include "core/image/image.h"

/* The generation has 31 bits from bit 32 on, the page the low 32: see chunk_place(). */
#define CHUNK_VALID (UINT64_C(1) << 63)
#define CHUNK_FRESH (UINT64_C(1) << 62)
#define GENERATION_BITS 0x7fffffffu /* of a region's generation */
#define CHUNK_GENERATION(place) ((uint32_t)((place) >> 32) & GENERATION_BITS)
#define CHUNK_PAGE(place) ((uint32_t)(place))

static inline uint64_t chunk_place(uint32_t page, uint32_t generation)
{
	return CHUNK_VALID | (uint64_t)(generation & GENERATION_BITS) << 32 | page;
}

/* Whether the place has this generation. */
static inline bool place_is(uint64_t place, uint32_t generation)
{
	return (generation & GENERATION_BITS) == CHUNK_GENERATION(place);
}

/*
 * The first look (INV-1): whether `skip_end` bytes at a remembered place lie in the image, and the region still has
 * the place's generation.
 */
static inline bool place_current(const struct image *image, uint64_t place, uint32_t skip_end)
{
	uint64_t page = CHUNK_PAGE(place);

	return (place & CHUNK_VALID) &&
	       page + ((skip_end - 1) >> FORMAT_PAGE_SHIFT) < image->total_pages &&
	       place_is(place, generation_before(image, (uint32_t)page));
}

/* The second look (INV-1), to be called after the bytes were copied. */
static inline bool place_still_current(const struct image *image, uint64_t place)
{
	return place_is(place, generation_after(image, CHUNK_PAGE(place)));
}

#endif
