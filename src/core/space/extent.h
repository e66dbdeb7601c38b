/* SPDX-License-Identifier: MIT */
/*
 * Extents: bytes in the image that the index finds by a key. Here one is looked up with all checks that
 * must come before its use, and stored.
 */
#ifndef CORE_EXTENT_H
#define CORE_EXTENT_H

#include "core/index/index.h"
#include "core/space/space.h"

#define EXTENT_PIECES 16u /* the parts of a chunk: FORMAT_CHUNK_MAX / PART_BYTES */

/*
 * Find the live extent of `key` with exactly `bytes` bytes: not expired, and not wrong if its checksum is
 * due. It does not count as a visit: that is up to the caller.
 */
bool extent_find(struct rawcache *cache, const struct key *key, uint64_t bytes,
		 struct found *found);

/*
 * Write `length` bytes as one extent; or, if `piece` is not 0, as up to 16 extents of `piece` bytes each,
 * side by side, under keys[0], keys[1], ...; `piece` must be a multiple of 4096. `buf` must have room for
 * whole pages: the rest of the last page is zeroed. `stream` names the file that is read in order and the
 * chunk of it (NULL: none). What cannot be stored is counted and forgotten. Returns true if it is stored.
 */
bool extent_store(struct rawcache *cache, const struct key *keys, uint32_t piece, char *buf,
		  uint32_t length, const struct space_stream *stream);

/* An extent to be stored beside others; length 0: none. */
struct extent_piece {
	struct key key;
	uint32_t length;
};

/*
 * Write several extents by one call. The bytes of each begin on a page of `buf`, behind those of the one
 * before. Otherwise as extent_store().
 */
bool extent_store_pieces(struct rawcache *cache, const struct extent_piece *pieces, uint32_t count,
			 char *buf, const struct space_stream *stream);

/*
 * Call after a siglongjmp() out of extent_store(): releases what this thread had pinned in it, if anything.
 */
void extent_give_back(struct rawcache *cache);

/* The last step of extent_store(), for callers that write while the bytes arrive. */
int extent_publish(struct rawcache *cache, const struct key *key, const struct extent *extent,
		   uint32_t skip, const char *buf, uint32_t length);
int extent_write(struct rawcache *cache, const struct extent *extent, uint32_t skip,
		 const char *buf, uint32_t bytes);

/* Count that something could not be stored, and why. */
void extent_failed(struct rawcache *cache, int err);

#endif
