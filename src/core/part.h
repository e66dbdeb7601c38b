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

#include "core/fill.h"
#include "core/index.h"

#define PART_BYTES (16u << 10)
#define PARTS_MAX (FORMAT_CHUNK_MAX / PART_BYTES)
/* Larger requests fetch the chunk. */
#define PART_WANT_MAX (64u << 10)

/* Which parts of a chunk are there, a bit for each. */
struct parts {
	uint32_t present;
	uint32_t count; /* of the chunk */
	uint32_t chunk_length;
	struct key key[PARTS_MAX];
	struct found found[PARTS_MAX]; /* valid where present */
};

/* The key of part `i` of a chunk. */
struct key part_key(const struct rawcache *cache, const struct file *file, uint64_t chunk,
		    uint32_t i);

/* Look up parts first..last of a chunk: to use them, or only to count. */
void parts_find(struct rawcache *cache, const struct file *file, uint64_t chunk, uint32_t first,
		uint32_t last, struct parts *parts);
void parts_count(struct rawcache *cache, const struct file *file, uint64_t chunk,
		 struct parts *parts);

static inline uint32_t part_length(const struct parts *parts, uint32_t i)
{
	uint32_t rest = parts->chunk_length - i * PART_BYTES;

	return rest < PART_BYTES ? rest : PART_BYTES;
}

/*
 * Read what is wanted from parts. Bytes, -EFAULT, or -EAGAIN: not all are there, or were
 * recycled meanwhile.
 */
ssize_t parts_read(struct rawcache *cache, const struct file *file, const struct want *want);

/* The parts that a miss should fetch: *first and how many; all of them: complete the chunk. */
uint32_t parts_choose(const struct parts *parts, const struct want *want, uint32_t *first);

/* Copy the parts that are there, verified, to their places in the chunk's buffer. The mask. */
uint32_t parts_gather(struct rawcache *cache, const struct parts *parts, char *buf);

int parts_remove(struct rawcache *cache, const struct parts *parts);

#endif
