/* SPDX-License-Identifier: MIT */
/* Cutting pages from a log, and what happens when it has none: a region is opened, emptied, or waited for. */
#include "core/space/alloc.h"

#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/space/evict.h"
#include "core/space/region.h"

/* Whether a recent attempt found that nothing can be recycled, and no region is clean now. */
static bool region_vain(const struct rawcache *cache)
{
	uint64_t until = load_relaxed(&cache->vain_until_ms);

	return until && clock_coarse_ms() < until && !regions_waiting(cache);
}

int region_alloc_most(struct rawcache *cache, enum region_log log, uint32_t least, uint32_t most,
		      struct extent *extent)
{
	struct timespec nap = { 0, 1000000 };
	int err = region_allowed(cache, least);
	uint32_t active;

	extent->pin = -1;
	if (err)
		return err;
	for (unsigned int tries = 0; tries < REGION_WAIT_TRIES; tries++) {
		err = region_try(cache, log, least, most, &active, extent);
		if (err != -EAGAIN)
			return err;
		if (region_vain(cache))
			return -EAGAIN;
		/* the last clean region is kept for extents that are moved, if another can be made */
		err = region_replace(cache, log, active, !tries);
		if (!err)
			evict_credit(cache);
		if (err == -ENOENT)
			err = evict_now(cache, tries);
		if (err && err != -EAGAIN)
			return err; /* -ETIMEDOUT is returned too: the lock's owner is stopped */
		if (err)
			sys_nanosleep(&nap);
	}
	store_relaxed(&cache->vain_until_ms, clock_coarse_ms() + REGION_VAIN_MS);
	return -EAGAIN;
}
