/* SPDX-License-Identifier: MIT */
/*
 * Parts: pieces of 16 KiB of a chunk, stored under keys of their own while the chunk is not complete.
 * Otherwise a reader that jumps about in a large file would fetch a chunk for every few bytes. A miss
 * fetches as much of the chunk as is stored already, so the stored amount doubles: five misses of 4 KiB
 * read at most 4, 4, 5.4, 8 and 12.8 times what they asked for, and then the chunk is complete. The last
 * step copies the parts that are stored, stores the chunk, and removes the parts.
 */
#ifndef CORE_PART_H
#define CORE_PART_H

#include "core/fill/fill.h"
#include "core/index/parts.h"

/* A larger request fetches the whole chunk. */
#define PART_WANT_MAX (64u << 10)

/* Look up parts first..last of a chunk, to use them. */
void parts_find(struct rawcache *cache, const struct file *file, uint64_t chunk, uint32_t first,
		uint32_t last, struct parts *parts);

/*
 * Read the wanted bytes from parts. Returns their number; -EFAULT; or -EAGAIN: some parts are missing, or
 * were recycled meanwhile.
 */
ssize_t parts_read(struct rawcache *cache, const struct file *file, const struct want *want);

/* Which parts a miss should fetch: *first, and how many. If it is all of them: complete the chunk. */
uint32_t parts_choose(const struct parts *parts, const struct want *want, uint32_t *first);

/*
 * Copy the stored parts, verified, to their places in the chunk's buffer. Returns the mask of those copied.
 */
uint32_t parts_gather(struct rawcache *cache, const struct parts *parts, char *buf);

#endif
