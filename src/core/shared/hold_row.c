/* SPDX-License-Identifier: MIT */
/* The row of bits of a process: see region_hold.h. */
#include "core/shared/hold_row.h"

#include "base/compiler.h"
#include "base/memory.h"
#include "core/shared/cache.h"
#include "core/shared/region_hold.h"

/* --- limits, in bits */

uint32_t hold_bits(const struct rawcache *cache)
{
	return ((cache->image.sb.region_count - 1) >> cache->runtime.hold_shift) + 1;
}

/* --- the count and the bit */

uint64_t *hold_word(const struct rawcache *cache, uint32_t region, uint64_t *bit)
{
	uint32_t n = region >> cache->runtime.hold_shift;

	*bit = UINT64_C(1) << n % 64;
	return &cache->runtime.holds[(size_t)cache->slot * cache->runtime.hold_words + n / 64];
}

uint32_t *hold_count(const struct rawcache *cache, uint32_t region)
{
	return &cache->hold_counts[region >> cache->runtime.hold_shift];
}

void hold_begin(struct rawcache *cache)
{
	uint32_t bits = hold_bits(cache);

	cache->holds = 0;
	cache->holds_looked = 0;
	if (!cache->hold_counts)
		cache->hold_counts = memory_map(bits * sizeof(*cache->hold_counts));
	/* most pages were never touched, and shall not be now */
	for (uint32_t i = 0; cache->hold_counts && i < bits; i++)
		if (cache->hold_counts[i])
			cache->hold_counts[i] = 0;
}

void hold_end(struct rawcache *cache)
{
	if (cache->hold_counts)
		memory_unmap(cache->hold_counts, hold_bits(cache) * sizeof(*cache->hold_counts));
	cache->hold_counts = NULL;
}

void hold_clear(struct rawcache *cache, uint32_t slot)
{
	uint32_t words = cache->runtime.hold_words;

	for (uint32_t w = 0; w < words; w++)
		store_release(&cache->runtime.holds[(size_t)slot * words + w], 0);
}
