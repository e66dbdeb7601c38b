/* SPDX-License-Identifier: MIT */
/*
 * Extents: bytes in the image that the index knows by a key. Looking one up with all that has
 * to be checked before it is used, and storing one.
 */
#ifndef CORE_EXTENT_H
#define CORE_EXTENT_H

#include "core/index/index.h"
#include "core/space/space.h"

#define EXTENT_PIECES 16u

/*
 * The live extent of `key`, of exactly `bytes` bytes, neither expired nor wrong where its
 * checksum is due. Whether that was a visit is for the caller to say.
 */
bool extent_find(struct rawcache *cache, const struct key *key, uint64_t bytes,
		 struct found *found);

/*
 * Write `length` bytes as one extent or, with `piece` not 0, as extents of `piece` bytes each
 * side by side, at most 16, under keys[0], keys[1], ...; `piece` is a multiple of 4096. `buf` has room for
 * whole pages: what follows the bytes is zeroed. `stream` tells of which file that is read in order
 * it is a chunk (NULL: of none). What cannot be stored is counted and forgotten. True when it is
 * stored.
 */
bool extent_store(struct rawcache *cache, const struct key *keys, uint32_t piece, char *buf,
		  uint32_t length, const struct space_stream *stream);

/* An extent to be stored beside others; of no length: none. */
struct extent_piece {
	struct key key;
	uint32_t length;
};

/*
 * Write several extents by one call: the bytes of each begin on a page of `buf`, behind those of the
 * one before. Otherwise as extent_store().
 */
bool extent_store_pieces(struct rawcache *cache, const struct extent_piece *pieces, uint32_t count,
			 char *buf, const struct space_stream *stream);

/* After a siglongjmp() out of extent_store(): what this thread had pinned in it, if anything. */
void extent_give_back(struct rawcache *cache);

/* The same in steps, for callers that write while the bytes arrive. */
int extent_publish(struct rawcache *cache, const struct key *key, const struct extent *extent,
		   uint32_t skip, const char *buf, uint32_t length);
int extent_write(struct rawcache *cache, const struct extent *extent, uint32_t skip,
		 const char *buf, uint32_t bytes);

/* Count that something could not be stored, and why. */
void extent_failed(struct rawcache *cache, int err);

#endif
