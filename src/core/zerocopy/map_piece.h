/* SPDX-License-Identifier: MIT */
/*
 * The pieces of the table of mappings (map_table.h), for the files of this room that change them. All is
 * called under the table's lock.
 */
#ifndef CORE_MAP_PIECE_H
#define CORE_MAP_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/embed.h>

#include "core/shared/embedded.h"
#include "core/shared/region_hold.h"

struct rawcache;
struct shown;

/*
 * The origin's own mapping of what is mapped, somewhere else: a page of the image that cannot be read
 * is replaced by its page of this one. A descriptor kept open would do as well, but closing it would
 * drop the program's POSIX locks.
 */
struct map_spare {
	char *base;
	uint64_t bytes, offset; /* of the file */
	int prot;
	uint32_t references; /* of pieces, and of the thread that makes them */
	bool torn; /* a page of it was unmapped, and its address may be in use again: the rest is never unmapped */
};

struct map_piece {
	uintptr_t start, end;
	uint32_t region, generation;
	struct rawcache_mapped mapped; /* what lies at `start` */
	uint64_t at;		       /* of `start`: bytes into the data area */
	bool changeable;	       /* the program may have written to it */
	struct map_spare *spare;       /* NULL: there is none */
	struct shown *shown;	/* NULL: it may be what it is, whatever becomes of the file */
	struct map_piece *next; /* while it is in a list, and in no tree */
	/* in the tree */
	struct map_piece *left, *right;
	uintptr_t reach; /* the highest end in its subtree */
	uint64_t rank;	 /* a father's is higher */
	uint64_t serial; /* of two that overlap, the higher one is what lies there */
};

/* Whether the program may have written to the piece: such pages exist nowhere else. */
static inline enum hold_kind piece_kind(const struct map_piece *piece)
{
	return piece->changeable ? HOLD_FIRM : HOLD_YIELDS;
}

/* --- map_table.c */

/* Add a piece to the table, which takes over its holds of region and spare. */
void piece_link(struct maps *maps, struct map_piece *piece);

/* The piece that has `at`, or NULL. */
struct map_piece *piece_at(const struct maps *maps, uintptr_t at);

/* A piece across `at` becomes two. */
void pieces_cut(struct rawcache *cache, uintptr_t at);

/* Out of the table, to the end of a list; the new end. */
struct map_piece **piece_unlink(struct maps *maps, struct map_piece *piece,
				struct map_piece **link);

/* The pieces that lie in the range as a whole, a list in the order of addresses: no longer in the table. */
struct map_piece *pieces_take(struct maps *maps, uintptr_t start, uintptr_t end);

/* Free a list of pieces that are not in the table, and release their holds. */
void pieces_drop(struct rawcache *cache, struct map_piece *piece);

/* Free one piece that is not in the table. Its region stays held. */
void piece_free(struct rawcache *cache, struct map_piece *piece);

/* Forget what is not mapped from the image any more, though nobody told us: map_unseen.c. */
void pieces_forget_unseen(struct rawcache *cache);

/* --- the origin's pages: map_spare.c */

/* NULL for none. */
struct map_spare *spare_get(struct map_spare *spare);
void spare_put(struct map_spare *spare);

/* Where the spare has what lies at `start` of the piece, or NULL. */
char *spare_page(const struct map_piece *piece, uintptr_t start);

/* The origin's bytes, `n` of them from `start` on, in place of the image's. */
bool piece_replace(const struct map_piece *piece, uintptr_t start, size_t n);

/* What was replaced: threads that fault in it at the same time find it so. */
void replaced_note(struct maps *maps, uintptr_t start, uintptr_t end);
bool replaced_find(const struct maps *maps, uintptr_t page);

/* The range was mapped anew: forget that pages in it were replaced. */
void replaced_forget(struct maps *maps, uintptr_t start, uintptr_t end);

#endif
