/* SPDX-License-Identifier: MIT */
/* Whether bytes of the image may leave it by reference. */
#ifndef CORE_SEND_H
#define CORE_SEND_H

#include <stdbool.h>

#include "core/shared/cache.h"

/*
 * A socket keeps references to pages of the page cache. That is safe only if recycling a region detaches
 * its pages first, which the probe of `format` found out (detach.h).
 */
static inline bool send_allowed(const struct rawcache *cache)
{
	return cache->options.sendfile && cache->slot != SLOT_NONE &&
	       (cache->image.sb.probes & (FORMAT_PROBE_ZERO_RANGE | FORMAT_PROBE_PUNCH_HOLE));
}

#endif
