/* SPDX-License-Identifier: MIT */
/* Checking extents against the checksums in their entries. */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/index/index.h"

/*
 * How often a read starts again after the region of its bytes was recycled under it. To recycle a region takes
 * longer than a read, so even a second time is rare; then the origin is read.
 */
#define STALE_TRIES 4

/* Whether the extent is older than options.ttl. */
bool verify_expired(const struct rawcache *cache, const struct found *found);

/* Whether the extent must be verified before it is used: see options.verify. */
bool verify_due(const struct rawcache *cache, const struct found *found);

/*
 * Read the extent and compare its checksum. If it is right, the entry is trusted for this boot; returns
 * true. If it is wrong, the entry is removed and counted; returns false. Returns false as well if the
 * region was recycled meanwhile.
 */
bool verify_extent(struct rawcache *cache, const struct key *key, const struct found *found);

/* The extent has a wrong checksum, or could not be read (`err`): count it and remove its entry. Returns `err`. */
int verify_damaged(struct rawcache *cache, const struct key *key, const struct found *found,
		   int err);

/* Compare the checksum and change nothing: 1: right; 0: wrong; -ESTALE: recycled meanwhile; or -errno. */
int verify_bytes(struct rawcache *cache, const struct key *key, const struct found *found);

/* Whether the region of `found` was not recycled: bytes that were read from it before are right (INV-1). */
bool verify_current(const struct rawcache *cache, const struct found *found);

#endif
