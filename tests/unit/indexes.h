/* SPDX-License-Identifier: MIT */
/* What tests of the index share: an image, and a part of a region that entries lead to. */
#ifndef UNIT_INDEXES_H
#define UNIT_INDEXES_H

#include <stdbool.h>
#include <stdint.h>

#include "unit/unit.h"

#include "core/index/entry.h"
#include "core/index/index.h"
#include "cut.h"

extern struct rawcache *cache;
extern struct extent extent; /* pinned for all tests of a group */

/* indexes.c */
int setup(void **state);
int teardown(void **state);
/* Key number n of those that share a bucket. */
struct key key_n(uint64_t bucket, uint64_t n);
int store(const struct key *key, uint32_t page, uint64_t checksum);
struct bucket *bucket_of(const struct key *key);
bool count(void *arg, const struct key *key, const struct found *found);
uint64_t walk(uint64_t *stale, uint64_t *broken);

#endif
