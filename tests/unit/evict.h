/* SPDX-License-Identifier: MIT */
/* What tests of eviction share: an image that each of them gets anew. */
#ifndef UNIT_EVICT_H
#define UNIT_EVICT_H

#include <rawcache/embed.h>

#include "unit/unit.h"

extern char path[512];
extern struct rawcache *cache;

/* evict.c */
int setup(void **state);
int teardown(void **state);
struct rawcache_stats stats_now(void);
unsigned int visited(void);

#endif
