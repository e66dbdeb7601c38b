/* SPDX-License-Identifier: MIT */
/*
 * The pieces of the table of mappings (map_table.h), for the files of this room that change them. All
 * functions must be called under the table's lock.
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
 * The origin's own mapping of the same bytes, at another address: a page of the image that cannot be read
 * is replaced by its page of this one. An open descriptor would do as well, but closing it would drop the
 * program's POSIX locks.
 */
struct map_spare {
	char *base;
	uint64_t bytes, offset; /* of the file */
	int prot;
	uint32_t references; /* of pieces, and of the thread that makes the mapping */
	bool lost; /* a page of it was unmapped, and its address may be in use again: the rest must never be unmapped */
};

struct map_piece {
	uintptr_t start, end;
	uint32_t region, generation;
	struct rawcache_mapped mapped; /* the file that is mapped, and the range */
	uint64_t at;		       /* place of the byte at `start`, in bytes of the data area */
	bool changeable;	       /* the program may have written to it */
	bool loaded; /* the dynamic loader's: it may be unmapped by calls that no hook sees */
	struct map_spare *spare; /* NULL: there is none */
	struct shown *shown;	 /* NULL: the piece may stay, whatever becomes of the file */
	struct map_piece *next;	 /* while it is in a list, not in a tree */
	/* in the tree */
	struct map_piece *left, *right;
	uintptr_t reach; /* the highest end in its subtree */
	uint64_t rank;	 /* a parent's is higher */
	uint64_t serial; /* of two pieces that overlap, the one with the higher serial lies there */
};

/*
 * A piece that the program may have written to exists nowhere else, so its hold is firm. So is that of a library:
 * no hook sees when the loader unmaps it, so its pages cannot be exchanged at any time.
 */
static inline enum hold_kind piece_kind(const struct map_piece *piece)
{
	return piece->changeable || piece->loaded ? HOLD_FIRM : HOLD_YIELDS;
}

/* --- map_table.c */

/* Add a list of pieces to the table, which takes over their holds of region and spare. */
void pieces_link(struct maps *maps, struct map_piece *first);

/* The piece that contains the address `at`, or NULL. */
struct map_piece *piece_at(const struct maps *maps, uintptr_t at);

/* Cut a piece that contains `at` in two there. */
void pieces_cut(struct rawcache *cache, uintptr_t at);

/* Move a piece from the table to the end of a list; returns the new end. */
struct map_piece **piece_unlink(struct maps *maps, struct map_piece *piece,
				struct map_piece **link);

/* Take the pieces that lie wholly in the range out of the table: a list in the order of addresses. */
struct map_piece *pieces_take(struct maps *maps, uintptr_t start, uintptr_t end);

/* Free a list of pieces that are not in the table, and release their holds. */
void pieces_drop(struct rawcache *cache, struct map_piece *piece);

/* Free one piece that is not in the table. Its region stays held. */
void piece_free(struct rawcache *cache, struct map_piece *piece);

/* Forget pieces that were unmapped without our having been told: map_unseen.c. */
void pieces_forget_unseen(struct rawcache *cache);

/*
 * The same, if a piece in the range belongs to a library: the dynamic loader unmaps without our being told, and
 * something else may lie there. Must be called under the lock before a piece is believed.
 */
void pieces_ask_loaded(struct rawcache *cache, uintptr_t start, uintptr_t end);

/* --- the origin's pages: map_spare.c */

/* NULL for none. */
struct map_spare *spare_get(struct map_spare *spare);
void spare_put(struct map_spare *spare);

/* The spare's page for the address `start` of the piece, or NULL. */
char *spare_page(const struct map_piece *piece, uintptr_t start);

/* Put `n` bytes of the origin from `start` on in the place of the image's. */
bool piece_replace(const struct map_piece *piece, uintptr_t start, size_t n);

/* Note that the range was replaced: threads that fault in it at the same time must find that out. */
void replaced_note(struct maps *maps, uintptr_t start, uintptr_t end);
bool replaced_find(const struct maps *maps, uintptr_t page);

/* The range was mapped anew: forget that pages in it were replaced. */
void replaced_forget(struct maps *maps, uintptr_t start, uintptr_t end);

#endif
