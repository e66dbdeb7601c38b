/* SPDX-License-Identifier: MIT */
#include "core/read/prefault.h"

#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

/*
 * When the extent that begins at a page was last seen in memory: the page in the upper half, seconds in the
 * lower. Extents with the same place in the table push each other out, which costs a few system calls.
 */
static large_table uint64_t prefault_seen[1u << WARM_SHIFT];

static uint64_t seen_word(uint32_t page)
{
	return (uint64_t)page << 32 | (uint32_t)(clock_coarse_ms() >> 10);
}

void prefault_extent(struct rawcache *cache, uint32_t page, uint64_t bytes)
{
	uint64_t *word = &prefault_seen[page * 2654435761u >> (32 - WARM_SHIFT)];
	uint64_t now = seen_word(page) + 1;
	char *start = (char *)cache->image.data + ((uint64_t)page << FORMAT_PAGE_SHIFT);

	if (!cache->image.data || now - load_relaxed(word) <= 1)
		return;
	bytes = round_up(bytes, FORMAT_PAGE);
	sys_madvise(start, bytes, MADV_WILLNEED);
	if (!sys_madvise(start, bytes, MADV_POPULATE_READ))
		store_relaxed(word, now);
}
