/* SPDX-License-Identifier: MIT */
/* Regions are cut for tests as space_get() does, without runs and rests. */
#ifndef TESTS_CUT_H
#define TESTS_CUT_H

#include "core/space/evict.h"
#include "core/space/region.h"

static inline int region_alloc(struct rawcache *cache, enum region_log log, uint32_t pages,
			       struct extent *extent)
{
	int err = region_alloc_most(cache, log, pages, pages, extent);

	if (!err)
		evict_step(cache, pages);
	return err;
}

#endif
