/* SPDX-License-Identifier: MIT */
/* The tree of pieces of mappings: what it finds is what a look at each of them finds. */
#include "unit.h"

#include "core/zerocopy/piece_tree.h"

#define PIECES 600u
#define SPAN 4000u

static struct map_piece piece[PIECES];
static bool present[PIECES];
static struct maps maps;

static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

static bool before(const struct map_piece *a, const struct map_piece *b)
{
	return a->start != b->start ? a->start < b->start : a->serial > b->serial;
}

static const struct map_piece *next_slowly(const struct map_piece *after, uintptr_t start,
					   uintptr_t end)
{
	const struct map_piece *best = NULL;

	for (uint32_t i = 0; i < PIECES; i++)
		if (present[i] && piece[i].start < end && piece[i].end > start &&
		    (!after || before(after, &piece[i])) && (!best || before(&piece[i], best)))
			best = &piece[i];
	return best;
}

static void turn(uint32_t i)
{
	if (present[i]) {
		piece_tree_remove(&maps, &piece[i]);
	} else {
		/* many that begin at one address, and some that reach far */
		piece[i].start = draw(SPAN / 4) * 4;
		piece[i].end = piece[i].start + 1 + draw(draw(8) ? 8 : SPAN);
		piece[i].serial = maps.serials++;
		piece_tree_add(&maps, &piece[i]);
	}
	present[i] = !present[i];
}

/* The tree finds what touches the range, in its order, as a look at all pieces does. */
static void assert_walk(uintptr_t start, uintptr_t end)
{
	const struct map_piece *found = NULL;

	do {
		const struct map_piece *wanted = next_slowly(found, start, end);

		found = piece_tree_next(&maps, found, start, end);
		assert_ptr_equal(found, wanted);
	} while (found);
}

/* When each piece was removed, nothing is left. */
static void assert_empties(void)
{
	for (uint32_t i = 0; i < PIECES; i++)
		if (present[i])
			turn(i);
	assert_null(maps.root);
}

static void test_same(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3000; round++) {
		uintptr_t start = draw(SPAN);
		uintptr_t end = draw(10) ? start + 1 + draw(50) : UINTPTR_MAX;

		turn(draw(PIECES));
		assert_walk(start, end);
	}
	assert_empties();
}

static void made(uint32_t i, uintptr_t start, uintptr_t end)
{
	piece[i].start = start;
	piece[i].end = end;
	piece[i].serial = maps.serials++;
	present[i] = true;
}

/* Up to 40 pieces that are not in the tree, added as a list: most lists lie side by side where nothing else does. */
static void add_some(void)
{
	uintptr_t at = draw(SPAN);
	bool side_by_side = draw(4);
	struct map_piece *first = NULL;
	struct map_piece **link = &first;
	uint32_t most = 1 + draw(40);

	for (uint32_t i = 0; i < PIECES && most; i++) {
		if (present[i])
			continue;
		at = side_by_side ? at : draw(SPAN);
		made(i, at, at + 1 + draw(3));
		at = piece[i].end;
		*link = &piece[i];
		link = &piece[i].next;
		most--;
	}
	*link = NULL;
	if (first)
		piece_tree_add_list(&maps, first);
}

/* What is taken is all that begins in the range, in the tree's order; the rest stays. */
static void take_some(void)
{
	uintptr_t start = draw(SPAN);
	uintptr_t end = draw(10) ? start + 1 + draw(SPAN / 4) : UINTPTR_MAX;
	struct map_piece *taken = piece_tree_take(&maps, start, end);

	for (; taken; taken = taken->next) {
		assert_true(present[taken - piece]);
		assert_true(taken->start >= start && taken->start < end);
		assert_true(!taken->next || before(taken, taken->next));
		present[taken - piece] = false;
	}
	for (uint32_t i = 0; i < PIECES; i++)
		assert_false(present[i] && piece[i].start >= start && piece[i].start < end);
}

static void test_lists(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3000; round++) {
		turn(draw(PIECES));
		if (draw(3))
			add_some();
		else
			take_some();
		assert_walk(0, UINTPTR_MAX);
	}
	assert_empties();
}

static uint32_t depth(const struct map_piece *node)
{
	uint32_t left = node ? depth(node->left) : 0;
	uint32_t right = node ? depth(node->right) : 0;

	return node ? 1 + (left > right ? left : right) : 0;
}

/* A file's pieces come in order: what a list or a plain tree would make a chain of. */
static void test_flat(void **state)
{
	static struct map_piece many[16000];

	(void)state;
	for (uint32_t i = 0; i < 16000; i++) {
		many[i].start = i;
		many[i].end = i + 1;
		piece_tree_add(&maps, &many[i]);
	}
	assert_true(depth(maps.root) < 50);
	for (uint32_t i = 0; i < 16000; i++)
		piece_tree_remove(&maps, &many[i]);
	assert_null(maps.root);
	for (uint32_t i = 0; i < 16000; i++)
		many[i].next = i < 15999 ? &many[i + 1] : NULL;
	piece_tree_add_list(&maps, many);
	assert_true(depth(maps.root) < 50);
	assert_ptr_equal(piece_tree_take(&maps, 0, UINTPTR_MAX), many);
	assert_null(maps.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_flat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
