/* SPDX-License-Identifier: MIT */
/* The rows of bits of a process (region_hold.h): functions that do not check whether a process lives. */
#ifndef CORE_HOLD_ROW_H
#define CORE_HOLD_ROW_H

#include "core/shared/cache.h"

uint32_t hold_bits(const struct rawcache *cache);

/* The word of `region` in our own row of the set HOLD_ALL or HOLD_FIRMLY. */
uint64_t *hold_word(const struct rawcache *cache, unsigned int set, uint32_t region, uint64_t *bit);

uint32_t *hold_count(const struct rawcache *cache, unsigned int set, uint32_t region);

#endif
