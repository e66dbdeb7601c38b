/* SPDX-License-Identifier: MIT */
/*
 * Parts: pieces of 16 KiB of a chunk, stored under keys of their own while the chunk is not
 * complete. A reader that jumps about in a large file would otherwise fetch a chunk for every
 * few bytes.
 *
 * A miss fetches as much as there is of the chunk already, so it doubles: the origin is read
 * for at most 4, 4, 5.4, 8 and 12.8 times what five misses of 4 KiB asked for, and the chunk is
 * whole then. The last step copies the parts that are there, stores the chunk, and removes
 * them.
 */
#ifndef CORE_PART_H
#define CORE_PART_H

#include "core/fill/fill.h"
#include "core/index/parts.h"

/* Larger requests fetch the chunk. */
#define PART_WANT_MAX (64u << 10)

/* Look up parts first..last of a chunk, to use them. */
void parts_find(struct rawcache *cache, const struct file *file, uint64_t chunk, uint32_t first,
		uint32_t last, struct parts *parts);

/*
 * Read what is wanted from parts. Bytes, -EFAULT, or -EAGAIN: not all are there, or were
 * recycled meanwhile.
 */
ssize_t parts_read(struct rawcache *cache, const struct file *file, const struct want *want);

/* The parts that a miss should fetch: *first and how many; all of them: complete the chunk. */
uint32_t parts_choose(const struct parts *parts, const struct want *want, uint32_t *first);

/* Copy the parts that are there, verified, to their places in the chunk's buffer. The mask. */
uint32_t parts_gather(struct rawcache *cache, const struct parts *parts, char *buf);

#endif
