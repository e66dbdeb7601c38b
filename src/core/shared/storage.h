/* SPDX-License-Identifier: MIT */
/*
 * The image's storage under a running cache: how extents are written, and what happens when it
 * fails. A process that meets errors again and again leaves the image alone for a while, which
 * doubles each time it is tried in vain.
 */
#ifndef CORE_STORAGE_H
#define CORE_STORAGE_H

#include "core/shared/cache.h"

/*
 * Write pages. Buffered, with write-back started early, or with O_DIRECT where options.direct
 * asks for it. 0 or -errno.
 */
int storage_write(struct rawcache *cache, uint32_t page, const void *buf, uint32_t bytes);

/* An error of the storage, met in writing (counted, and forgiven a few times) ... */
void storage_failed(struct rawcache *cache, int err);

/* ... and in reading what was stored: enough at once. */
void storage_unreadable(struct rawcache *cache);

/* Drop everything, and believe nothing: any page of the image may have gone back to what it was. */
void storage_distrust(struct rawcache *cache);

/*
 * Look whether what was written earlier, by whatever process, failed to reach the disk since
 * this process looked last: then everything in the image is dropped. False: the image cannot
 * be used now.
 */
bool storage_check(struct rawcache *cache);

/*
 * Wait until no more than 32 MiB or so of what this process wrote are on their way to the disk.
 * For threads that nobody waits for.
 */
void storage_bound(struct rawcache *cache);

/* This process cannot use the image any more. Safe in a signal handler. */
void storage_lost(struct rawcache *cache);
bool storage_is_lost(const struct rawcache *cache);

/* While cache->broken is set: whether it is time to try again. Clears it then. */
bool storage_probe(struct rawcache *cache);

void storage_close(struct rawcache *cache);

/* The same when the region table itself may be wrong; a new epoch must begin. */
int storage_distrust_regions(struct rawcache *cache);

#endif
