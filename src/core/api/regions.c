/* SPDX-License-Identifier: MIT */
/* What each region of the image contains, for pictures. No lock is taken: the answer may be a moment old. */
#include <errno.h>

#include <rawcache/image.h>

#include "base/checked.h"
#include "base/fault_mask.h"
#include "base/sized.h"
#include "core/shared/pin.h"
#include "core/shared/region_lock.h"

static_assert(RAWCACHE_REGION_BAD == (int)REGION_BAD &&
		      RAWCACHE_REGION_ACTIVE == (int)REGION_ACTIVE,
	      "states of regions");

static uint8_t region_state_now(const struct rawcache *cache, const struct region *region)
{
	uint32_t state = load_relaxed(&region->state);

	if (state > REGION_BAD)
		return RAWCACHE_REGION_BAD;
	/* opened in an earlier boot: nothing is appended to it any more */
	if (state == REGION_ACTIVE && load_relaxed(&region->epoch) != cache_epoch(cache))
		return RAWCACHE_REGION_SEALED;
	return (uint8_t)state;
}

static void region_row_fill(struct rawcache *cache, uint32_t number, struct pin_owners *owners,
			    struct rawcache_region *row)
{
	const struct superblock *sb = &cache->image.sb;
	const struct region *region = &cache->image.regions[number];

	row->size = UINT64_C(1) << sb->region_shift;
	row->used = min_u64((uint64_t)load_relaxed(&region->used) << FORMAT_PAGE_SHIFT, row->size);
	row->opened = load_relaxed(&region->opened);
	row->state = region_state_now(cache, region);
	row->reread = load_relaxed(&region->log) == REGION_MAIN;
	row->held = header_of(cache) && !cache->runtime.read_only &&
		    pin_any_of(cache, number, owners);
}

int rawcache_regions(struct rawcache *cache, struct rawcache_region *rows, size_t row_size,
		     size_t max)
{
	struct pin_owners owners = { { 0 } };
	uint32_t count = cache->image.sb.region_count;
	struct fault_window window;

	fault_window_open(&window);
	for (uint32_t i = 0; i < count && i < max; i++) {
		struct rawcache_region row = { 0 };

		region_row_fill(cache, i, &owners, &row);
		sized_out((char *)rows + (size_t)i * row_size, row_size, &row, sizeof(row));
	}
	fault_window_close(&window);
	return (int)count;
}
