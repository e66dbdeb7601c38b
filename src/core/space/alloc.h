/* SPDX-License-Identifier: MIT */
/* Cutting from a log's active region (region.c); alloc.c goes on when the region is full. */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include "core/space/region.h"

/* Cut from the active region. 0; -EAGAIN: it is used up; or the reason why there is no pin. */
int region_try(struct rawcache *cache, enum region_log log, uint32_t least, uint32_t most,
	       uint32_t *active, struct extent *extent);

/*
 * Replace a log's active region, unless another thread has done so since `seen` was read. -ENOENT: no more
 * than `spare` clean regions wait.
 */
int region_replace(struct rawcache *cache, enum region_log log, uint32_t seen, uint32_t spare);

int region_allowed(struct rawcache *cache, uint32_t pages);

#endif
