/* SPDX-License-Identifier: MIT */
/* Pages of a log, and what is done while there are none: regions are opened, emptied, waited for. */
#include "core/space/alloc.h"

#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/space/evict.h"
#include "core/space/region.h"

/* Whether it was found lately that nothing can be recycled, and nothing is clean now. */
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
		/* the last one is for what is moved, if another can be had */
		err = region_replace(cache, log, active, !tries);
		if (!err)
			evict_credit(cache);
		if (err == -ENOENT)
			err = evict_now(cache, tries);
		if (err && err != -EAGAIN)
			return err; /* -ETIMEDOUT too: the lock's owner is stopped */
		if (err)
			sys_nanosleep(&nap);
	}
	store_relaxed(&cache->vain_until_ms, clock_coarse_ms() + REGION_VAIN_MS);
	return -EAGAIN;
}
