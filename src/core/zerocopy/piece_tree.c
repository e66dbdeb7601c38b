/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/piece_tree.h"

#include "base/checked.h"

/* The order of the tree: of two pieces that begin at one address, the younger comes first. */
static bool node_before(const struct map_piece *a, const struct map_piece *b)
{
	return a->start != b->start ? a->start < b->start : a->serial > b->serial;
}

static void node_update(struct map_piece *node)
{
	node->reach = node->end;
	if (node->left)
		node->reach = max_u64(node->reach, node->left->reach);
	if (node->right)
		node->reach = max_u64(node->reach, node->right->reach);
}

/* Merge two trees; all of `a` must lie before all of `b`. */
static struct map_piece *node_merge(struct map_piece *a, struct map_piece *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->rank > b->rank) {
		a->right = node_merge(a->right, b);
		node_update(a);
		return a;
	}
	b->left = node_merge(a, b->left);
	node_update(b);
	return b;
}

/* Split a tree into the pieces before `at` and those behind it. */
static void node_split(struct map_piece *node, const struct map_piece *at, struct map_piece **left,
		       struct map_piece **right)
{
	if (!node) {
		*left = *right = NULL;
		return;
	}
	if (node_before(node, at)) {
		node_split(node->right, at, &node->right, right);
		*left = node;
	} else {
		node_split(node->left, at, left, &node->left);
		*right = node;
	}
	node_update(node);
}

static struct map_piece *node_add(struct map_piece *node, struct map_piece *piece)
{
	if (!node || piece->rank > node->rank) {
		node_split(node, piece, &piece->left, &piece->right);
		node = piece;
	} else if (node_before(piece, node)) {
		node->left = node_add(node->left, piece);
	} else {
		node->right = node_add(node->right, piece);
	}
	node_update(node);
	return node;
}

static struct map_piece *node_remove(struct map_piece *node, const struct map_piece *piece)
{
	if (node == piece)
		return node_merge(node->left, node->right);
	if (node_before(piece, node))
		node->left = node_remove(node->left, piece);
	else
		node->right = node_remove(node->right, piece);
	node_update(node);
	return node;
}

static struct map_piece *node_next(struct map_piece *node, const struct map_piece *after,
				   uintptr_t start, uintptr_t end)
{
	while (node && node->reach > start) {
		if (!after || node_before(after, node)) {
			struct map_piece *found = node_next(node->left, after, start, end);

			if (found)
				return found;
			if (node->start >= end)
				return NULL;
			if (node->end > start)
				return node;
		}
		node = node->right;
	}
	return NULL;
}

/* Ranks that do not follow the order of addresses keep the tree flat. */
static uint64_t rank_of(uint64_t serial)
{
	uint64_t h = (serial + 1) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

void piece_tree_add(struct maps *maps, struct map_piece *piece)
{
	piece->rank = rank_of(maps->ranks++);
	maps->root = node_add(maps->root, piece);
}

/* --- many at a time */

/* Make a tree of the first pieces of a list, up to one whose rank is higher than `most`. */
static struct map_piece *list_node(struct map_piece **list, uint64_t most)
{
	struct map_piece *node = NULL;

	while (*list && (*list)->rank <= most) {
		struct map_piece *piece = *list;

		*list = piece->next;
		piece->left = node;
		piece->right = list_node(list, piece->rank);
		node_update(piece);
		node = piece;
	}
	return node;
}

/* Whether the list is in the order of the tree, and no piece of the tree `behind` its first lies before its last. */
static bool list_ordered(const struct map_piece *piece, const struct map_piece *behind)
{
	while (piece->next && node_before(piece, piece->next))
		piece = piece->next;
	while (behind && behind->left)
		behind = behind->left;
	return !piece->next && (!behind || node_before(piece, behind));
}

void piece_tree_add_list(struct maps *maps, struct map_piece *first)
{
	struct map_piece *before, *behind;

	for (struct map_piece *piece = first; piece; piece = piece->next)
		piece->rank = rank_of(maps->ranks++);
	node_split(maps->root, first, &before, &behind);
	if (list_ordered(first, behind))
		before = node_merge(before, list_node(&first, UINT64_MAX));
	maps->root = node_merge(before, behind);
	while (first) {
		struct map_piece *next = first->next;

		maps->root = node_add(maps->root, first);
		first = next;
	}
}

/* Put the pieces of a tree in front of a list. Returns the new list. */
static struct map_piece *node_list(struct map_piece *node, struct map_piece *list)
{
	while (node) {
		node->next = node_list(node->right, list);
		list = node;
		node = node->left;
	}
	return list;
}

struct map_piece *piece_tree_take(struct maps *maps, uintptr_t start, uintptr_t end)
{
	/* no piece at an address comes before these */
	struct map_piece from = { .start = start, .serial = UINT64_MAX };
	struct map_piece to = { .start = end, .serial = UINT64_MAX };
	struct map_piece *before, *taken, *behind;

	node_split(maps->root, &from, &before, &taken);
	node_split(taken, &to, &taken, &behind);
	maps->root = node_merge(before, behind);
	return node_list(taken, NULL);
}

void piece_tree_remove(struct maps *maps, struct map_piece *piece)
{
	maps->root = node_remove(maps->root, piece);
}

struct map_piece *piece_tree_next(const struct maps *maps, const struct map_piece *after,
				  uintptr_t start, uintptr_t end)
{
	return node_next(maps->root, after, start, end);
}
