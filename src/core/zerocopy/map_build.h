/* SPDX-License-Identifier: MIT */
/*
 * Making a mapping of a cached file, in three steps: what the image has of it (map_layout.c), the image's
 * pages at their addresses (map_place.c), and the pieces in the table (map_build.c).
 */
#ifndef CORE_MAP_BUILD_H
#define CORE_MAP_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/critical.h"
#include "core/zerocopy/map_piece.h"

struct file;

/* What the program asked for. */
struct request {
	struct rawcache *cache;
	struct file *file;
	uint64_t handle;
	int fd;
	uint64_t length; /* in bytes, as the program asked */
	uint64_t offset; /* of the file */
	int prot, flags;
	const struct rawcache_loaded *loaded; /* NULL: none of the dynamic loader's */
	struct critical critical;
	bool limited; /* the address space is limited: there is room for one mapping, and for no spare */
	uint64_t let_in_ms; /* when signals were last allowed */
};

/* What is going to be mapped: a list of pieces with addresses that begin at 0. */
struct layout {
	struct map_piece **end;
	struct map_piece *last;
	unsigned int stretches;
	bool gaps;
};

/* --- map_loaded.c */

/*
 * Map the pieces over what the dynamic loader has mapped at `base`, if that is the file as it is. Returns the
 * number of bytes; takes over the spare.
 */
uint64_t loaded_map(const struct request *request, struct map_spare *spare, char *base,
		    uint64_t length);

/* --- map_layout.c */

/* Find what the cache has of [0, length) of the request; missing chunks may be fetched. */
void layout_find(struct layout *layout, struct request *r, uint64_t length);

/* Whether the piece follows `before` (which may be NULL) both in the mapping and in the image. */
bool piece_continues(const struct map_piece *piece, const struct map_piece *before);

/* Release the holds of pieces that were not mapped. */
void pieces_give_up(struct rawcache *cache, struct map_piece *piece);

/* --- map_place.c */

/*
 * A file that was read in order has offsets in the image that equal its own modulo 2 MiB: at such an
 * address, huge pages can be mapped. File systems without huge pages of their own get any address from the
 * kernel. Returns the new address; the old mapping is gone if that is another one.
 */
char *map_align(char *p, uint64_t length, uint64_t offset);

/* Make a spare of the mapping at `base`, with one reference. NULL: no memory. */
struct map_spare *spare_make(char *base, uint64_t length, uint64_t offset, int prot);

/* Map the origin a second time, as a spare; not writable, because it would count as memory too. */
struct map_spare *spare_map(const struct request *request, uint64_t length);

/* Map the pieces over the mapping at `base`. Returns NULL, or the first piece that could not be mapped. */
struct map_piece *pieces_overlay(const struct request *request, struct map_piece *first,
				 char *base);

/*
 * The pieces from `failed` on were not mapped: remove them from the list. What the kernel has unmapped
 * before it failed is mapped again.
 */
void pieces_end_at(const struct request *request, struct map_piece **pieces,
		   struct map_piece *failed, char *base);

/*
 * Under the table's lock: enter the pieces of this thread, which are mapped at `base`, into the table. Returns
 * their bytes.
 */
uint64_t pieces_known(struct rawcache *cache, const char *base, struct map_spare *spare);

/* Map all pieces, `n` bytes, at an address of their own, or return NULL. The origin's mapping is at `origin`. */
char *pieces_map_separate(const struct request *request, struct map_piece *first, uint64_t n,
			  char *origin);

#endif
