/* SPDX-License-Identifier: MIT */
/*
 * The image's storage under a running cache: how extents are written, and what happens when it
 * fails. After several errors in a row a process does not use the image for a while (PAUSE_FIRST_MS in storage.c);
 * each failed retry doubles that time.
 */
#ifndef CORE_STORAGE_H
#define CORE_STORAGE_H

#include "core/shared/cache.h"

/*
 * Write pages: buffered, with write-back started early, or with O_DIRECT if options.direct asks for it. 0
 * or -errno.
 */
int storage_write(struct rawcache *cache, uint32_t page, const void *buf, uint32_t bytes);

/* Report that a write failed. After several failures in a row the image is not used for a while. */
void storage_failed(struct rawcache *cache, int err);

/* Report that a read of stored bytes failed: the image is not used for a while, from now on. */
void storage_unreadable(struct rawcache *cache);

/* Drop everything and begin a new epoch: any page of the image may have its older contents again. */
void storage_distrust(struct rawcache *cache);

/*
 * Check whether bytes that any process wrote failed to reach the disk since this process last checked: if
 * so, everything in the image is dropped. Returns false if the image cannot be used now.
 */
bool storage_check(struct rawcache *cache);

/*
 * Wait until at most some 32 MiB that this process wrote are on their way to the disk. Must not be called
 * by a thread for which a program's read waits.
 */
void storage_bound(struct rawcache *cache);

/* Report that this process cannot use the image any more. Safe in a signal handler. */
void storage_lost(struct rawcache *cache);
bool storage_is_lost(const struct rawcache *cache);

/* While cache->broken is set: returns whether it is time to try again, and clears it then. */
bool storage_probe(struct rawcache *cache);

void storage_close(struct rawcache *cache);

/*
 * The part of storage_distrust() that invalidates every region. The caller must begin a new epoch. 0 or
 * -errno.
 */
int storage_distrust_regions(struct rawcache *cache);

#endif
