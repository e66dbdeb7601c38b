/* SPDX-License-Identifier: MIT */
/* Checking extents against the checksums in their entries. */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/index/index.h"

/* Whether it is older than the cache's time to live. */
bool verify_expired(const struct rawcache *cache, const struct found *found);

/* Whether it must be verified before it is believed. */
bool verify_due(const struct rawcache *cache, const struct found *found);

/*
 * Read the extent and compare. Right: the entry is trusted for this boot, true. Wrong: the
 * entry is removed, counted, false. False as well when its region was recycled meanwhile.
 */
bool verify_extent(struct rawcache *cache, const struct key *key, const struct found *found);

/* It is not what was stored, or -EIO cannot be read: counted and removed. Returns `err`. */
int verify_damaged(struct rawcache *cache, const struct key *key, const struct found *found,
		   int err);

/* The same without effect: 1 right, 0 wrong, -ESTALE recycled meanwhile, or -errno. */
int verify_bytes(struct rawcache *cache, const struct key *key, const struct found *found);

/* Whether the region of `found` was not recycled since: what was read from it is right. */
bool verify_current(const struct rawcache *cache, const struct found *found);

#endif
