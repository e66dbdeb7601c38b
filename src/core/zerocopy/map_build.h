/* SPDX-License-Identifier: MIT */
/*
 * How a mapping of a cached file is made, in three steps: what the image has of it (map_layout.c), the
 * image's pages at their addresses (map_place.c), and the pieces in the table (map_build.c).
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
	uint64_t length; /* bytes, as the program wants them */
	uint64_t offset; /* of the file */
	int prot, flags;
	struct critical critical;
	bool limited; /* the address space is: there is room for one mapping, and for no spare */
	uint64_t let_in_ms; /* when signals were let in last */
};

/* What is going to be mapped: a list of pieces whose addresses begin at 0. */
struct layout {
	struct map_piece **end;
	struct map_piece *last;
	unsigned int stretches;
	bool gaps;
};

/* --- map_layout.c */

/* What the cache has of [0, length) of the request; what is missing may be fetched. */
void layout_find(struct layout *layout, struct request *r, uint64_t length);

/* Whether it lies behind `before` (which may be NULL) both in the mapping and in the image. */
bool piece_continues(const struct map_piece *piece, const struct map_piece *before);

/* Pieces that were not mapped: their holds are given back. */
void pieces_give_up(struct rawcache *cache, struct map_piece *piece);

/* --- map_place.c */

/*
 * A file that was read in order lies in the image at the same offsets modulo 2 MiB as in itself: at
 * such an address huge pages can be mapped. File systems without huge pages of their own get
 * any address from the kernel. Where it lies then; the old mapping is gone if that is elsewhere.
 */
char *map_align(char *p, uint64_t length, uint64_t offset);

/* `base` is the mapping that is kept; with one reference. NULL: no memory. */
struct map_spare *spare_make(char *base, uint64_t length, uint64_t offset, int prot);

/* The origin's mapping made a second time. Not writable: it would count as memory, too. */
struct map_spare *spare_map(const struct request *request, uint64_t length);

/* Lay the pieces over what is mapped at `base`: NULL, or the first that could not be. */
struct map_piece *pieces_lay(const struct request *request, struct map_piece *first, char *base);

/*
 * From `failed` of the list on they are not laid. What the kernel has unmapped before it failed is mapped
 * again.
 */
void pieces_end_at(const struct request *request, struct map_piece **pieces,
		   struct map_piece *failed, char *base);

/* All of it at an address of its own, or NULL. The first stretch takes the space of all. */
char *pieces_lay_apart(const struct request *request, struct map_piece *first, uint64_t n);

#endif
