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
 * Write pages. Buffered, with write-back started early, or with O_DIRECT where options.direct
 * asks for it. 0 or -errno.
 */
int storage_write(struct rawcache *cache, uint32_t page, const void *buf, uint32_t bytes);

/* A write failed: count it. After several in a row the image is not used for a while. */
void storage_failed(struct rawcache *cache, int err);

/* A read of stored bytes failed: the image is not used for a while, at once. */
void storage_unreadable(struct rawcache *cache);

/* Drop everything and begin a new epoch: any page of the image may have its older contents again. */
void storage_distrust(struct rawcache *cache);

/*
 * Look whether what was written earlier, by whatever process, failed to reach the disk since
 * this process looked last: then everything in the image is dropped. False: the image cannot
 * be used now.
 */
bool storage_check(struct rawcache *cache);

/*
 * Wait until at most some 32 MiB of what this process wrote are on their way to the disk. Must not be called by a
 * thread that a program's read waits for.
 */
void storage_bound(struct rawcache *cache);

/* This process cannot use the image any more. Safe in a signal handler. */
void storage_lost(struct rawcache *cache);
bool storage_is_lost(const struct rawcache *cache);

/* While cache->broken is set: whether it is time to try again. Clears it then. */
bool storage_probe(struct rawcache *cache);

void storage_close(struct rawcache *cache);

/* The part of storage_distrust() that invalidates every region. The caller begins a new epoch. 0 or -errno. */
int storage_distrust_regions(struct rawcache *cache);

#endif
