/* SPDX-License-Identifier: MIT */
/* Where a chunk lies in the image, in one word: bit 63 valid, 62..32 the region's generation (31 bits), 31..0 its page. */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include <stdint.h>

#define CHUNK_VALID (UINT64_C(1) << 63)
#define CHUNK_FRESH (UINT64_C(1) << 62)
#define CHUNK_GENERATION(place) ((uint32_t)((place) >> 32) & 0x7fffffffu)
#define CHUNK_PAGE(place) ((uint32_t)(place))

static inline uint64_t chunk_place(uint32_t page, uint32_t generation)
{
	return CHUNK_VALID | (uint64_t)(generation & 0x7fffffffu) << 32 | page;
}

#endif
