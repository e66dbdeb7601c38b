/* SPDX-License-Identifier: MIT */
/*
 * The pieces of the table of mappings, in the order of their addresses: a treap in which each node knows
 * how far its subtree reaches. Pieces may overlap: one that was replaced behind our back stays in the tree,
 * and the youngest is what lies at an address. All functions under the lock of map_table.h.
 */
#ifndef CORE_PIECE_TREE_H
#define CORE_PIECE_TREE_H

#include "core/zerocopy/map_piece.h"

/* Add a piece. Its start, end and serial must not change while it is in the tree. */
void piece_tree_add(struct maps *maps, struct map_piece *piece);
void piece_tree_remove(struct maps *maps, struct map_piece *piece);

/* Add a list, which is not empty: a mapping has a piece for each region. One in the tree's order is added at once. */
void piece_tree_add_list(struct maps *maps, struct map_piece *first);

/* Remove all pieces that begin in [start, end): a list in the order of the tree. */
struct map_piece *piece_tree_take(struct maps *maps, uintptr_t start, uintptr_t end);

/* The piece behind `after` (NULL: the first one) that touches [start, end), or NULL. */
struct map_piece *piece_tree_next(const struct maps *maps, const struct map_piece *after,
				  uintptr_t start, uintptr_t end);

#endif
