/* SPDX-License-Identifier: MIT */
/* The rows of bits of a process: see region_hold.h. */
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

uint64_t *hold_word(const struct rawcache *cache, unsigned int set, uint32_t region, uint64_t *bit)
{
	uint32_t n = region >> cache->runtime.hold_shift;

	*bit = UINT64_C(1) << n % 64;
	return &cache->runtime.holds[set][(size_t)cache->slot * cache->runtime.hold_words + n / 64];
}

uint32_t *hold_count(const struct rawcache *cache, unsigned int set, uint32_t region)
{
	return &cache->holds[set].counts[region >> cache->runtime.hold_shift];
}

static void set_begin(struct hold_set *set, uint32_t bits)
{
	set->bits = 0;
	set->looked = 0;
	if (!set->counts)
		set->counts = memory_map(bits * sizeof(*set->counts));
	/* most pages of the counts were never touched, and must not be touched now */
	for (uint32_t i = 0; set->counts && i < bits; i++)
		if (set->counts[i])
			set->counts[i] = 0;
}

void hold_begin(struct rawcache *cache)
{
	for (unsigned int set = 0; set < HOLD_SETS; set++)
		set_begin(&cache->holds[set], hold_bits(cache));
}

void hold_end(struct rawcache *cache)
{
	for (unsigned int set = 0; set < HOLD_SETS; set++) {
		uint32_t **counts = &cache->holds[set].counts;

		if (*counts)
			memory_unmap(*counts, hold_bits(cache) * sizeof(**counts));
		*counts = NULL;
	}
}

void hold_clear(struct rawcache *cache, uint32_t slot)
{
	uint32_t words = cache->runtime.hold_words;

	for (unsigned int set = 0; set < HOLD_SETS; set++)
		for (uint32_t w = 0; w < words; w++)
			store_release(&cache->runtime.holds[set][(size_t)slot * words + w], 0);
}
