/* SPDX-License-Identifier: MIT */
/*
 * Reads of a known place whose pages this process has not seen in memory: they are put into its page
 * tables, or read by a system call on the image (copy_policy.h).
 */
#ifndef CORE_UNMAPPED_H
#define CORE_UNMAPPED_H

#include "core/fill/fill.h"

/*
 * Read from a known place. The second read of a chunk puts all of it into the page tables, whatever that
 * costs: more reads will follow.
 */
ssize_t unmapped_read(struct rawcache *cache, struct file *file, uint64_t place,
		      const struct want *want);

/* Read from a known place by a system call on the image: no page fault waits for the disk. */
ssize_t place_pread(struct rawcache *cache, uint64_t place, const struct want *want);

/* Whether all of it is in memory. The kernel tells only processes that may write the file. */
bool chunk_in_core(const struct rawcache *cache, uint64_t place, uint32_t bytes);

/*
 * Note that bytes of the chunk were read and are in memory now. A small piece faulted in; for a large one
 * two pages stand for all: many files are read once, and the next read puts the whole chunk into the page
 * tables by one call (unmapped_read()).
 */
void chunk_seen(struct chunk *chunk, uint32_t skip, uint32_t length);

#endif
