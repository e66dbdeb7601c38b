/* SPDX-License-Identifier: MIT */
#include "core/space/move_space.h"

#include <errno.h>

#include "base/checked.h"
#include "base/crash.h"
#include "base/critical.h"
#include "core/shared/cache.h"
#include "core/shared/region_lock.h"
#include "core/space/alloc.h"
#include "core/space/space_rest.h"

/* Two regions' ends may be cut before a new region is, and a rest may be lost to another process each time. */
#define TRIES 8

/* Put the piece in our hand to the rests and take pages from them. 0; -ENOSPC: none is large enough; or -errno. */
static int rest_exchange(const struct rawcache *cache, const struct piece *hand, uint32_t pages,
			 struct piece *taken)
{
	struct space *space = &cache->runtime.header->space[REGION_MAIN];
	struct critical critical;
	int err;

	critical_enter(&critical);
	err = runtime_lock(&space->lock);
	if (!err) {
		rest_put(cache, space, hand);
		err = rest_take(cache, space, pages, taken) ? 0 : -ENOSPC;
		CRASH_POINT(space_taken);
		runtime_unlock(&space->lock);
	}
	critical_leave(&critical);
	return err;
}

/* Take pages from the rests, but not in the region that is being emptied. Errors as above; -ESTALE: look again. */
static int rest_move(struct rawcache *cache, const struct piece *hand, uint32_t pages,
		     struct extent *extent)
{
	struct piece taken;
	int err = rest_exchange(cache, hand, pages, &taken);

	if (err)
		return err;
	if (region_number(&cache->image, taken.page) + 1 ==
	    load_relaxed(&header_of(cache)->evict_region))
		return -ESTALE;
	return piece_pin(cache, &taken, extent);
}

/* Cut a block, or what the region has left, into our hand; or open the next region. */
static int move_cut(struct rawcache *cache, uint32_t pages, struct piece *hand,
		    struct extent *extent)
{
	uint32_t most = (uint32_t)max_u64(block_pages(cache), pages);
	uint32_t active;
	int err = region_try(cache, REGION_MAIN, 1, most, &active, extent);

	if (!err)
		*hand = piece_unpin(cache, extent);
	return err == -EAGAIN ? region_replace(cache, REGION_MAIN, active, 0) : err;
}

int move_space_get(struct rawcache *cache, uint32_t pages, struct extent *extent)
{
	struct piece hand = { 0, 0, 0 };
	int err = region_allowed(cache, pages);
	uint32_t active;

	extent->pin = -1;
	for (int tries = 0; tries < TRIES && !err; tries++) {
		if (pages >= chunk_pages(cache)) {
			err = region_try(cache, REGION_MAIN, pages, pages, &active, extent);
			if (err != -EAGAIN)
				return err;
		}
		err = rest_move(cache, &hand, pages, extent);
		hand.pages = 0;
		if (!err)
			return 0;
		if (err == -ENOSPC)
			err = move_cut(cache, pages, &hand, extent);
		else if (err == -ESTALE)
			err = 0;
	}
	return err ? err : -EAGAIN;
}
