/* SPDX-License-Identifier: MIT */
/* Which parts of a chunk are stored. What a part is, and when one is fetched: fill/part.h. */
#ifndef CORE_PARTS_H
#define CORE_PARTS_H

#include "core/index/index.h"

/* Parts have chunk numbers from here on, which no chunk has. */
#define PART_NUMBER (UINT64_C(1) << 63)
#define PART_BYTES (16u << 10)
#define PARTS_MAX (FORMAT_CHUNK_MAX / PART_BYTES)

/* Which parts of a chunk are stored: a bit for each. */
struct parts {
	uint32_t present;
	uint32_t count; /* of the chunk */
	uint32_t chunk_length;
	struct key key[PARTS_MAX];
	struct found found[PARTS_MAX]; /* valid for those present */
};

/* The key of part `i` of a chunk. */
struct key part_key(const struct rawcache *cache, const struct key *file, uint64_t chunk,
		    uint32_t i);

/* Prepare *parts for a chunk of a file of `size` bytes: no part is known to be stored. */
void parts_init(const struct rawcache *cache, uint64_t size, uint64_t chunk, struct parts *parts);

/* An extent of a chunk in the index: the whole chunk, or a part. */
struct chunk_extent {
	struct key key;
	struct found found;
	bool whole;
	uint32_t skip;	 /* bytes of the chunk before it */
	uint32_t length; /* the length that a right extent has */
};

/* Returns true to stop. */
typedef bool chunk_extent_fn(void *arg, const struct chunk_extent *extent);

/*
 * Visit the extents in the index of a chunk of a file of `size` bytes, which does not count as use: the
 * whole chunk, then the parts that were stored before it was.
 */
void chunk_each_extent(struct rawcache *cache, const struct key *file, uint64_t size,
		       uint64_t chunk, chunk_extent_fn *visit, void *arg);

static inline uint32_t part_length(const struct parts *parts, uint32_t i)
{
	uint32_t rest = parts->chunk_length - i * PART_BYTES;

	return rest < PART_BYTES ? rest : PART_BYTES;
}

/* Remove the parts that are stored from the index. 0, or the last error. */
int parts_remove(struct rawcache *cache, const struct parts *parts);

#endif
