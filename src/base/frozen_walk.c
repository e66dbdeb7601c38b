/* SPDX-License-Identifier: MIT */
/* From a path to a node, as the kernel would walk. Every unusual case is left to the kernel. */
#include "base/frozen.h"

#include <string.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "base/paths.h"

const char *frozen_below(const char *root, const char *path)
{
	size_t n = strlen(root);

	return path_below(path, strlen(path), root, n) ? path + n : NULL;
}

/* Cut the first name off `rest`. Returns its length, or 0 when there is none. */
static size_t name_cut(const char *rest, const char **name)
{
	while (*rest == '/')
		rest++;
	*name = rest;
	return strcspn(rest, "/");
}

static bool node_get(struct frozen_walk *walk, uint32_t number)
{
	walk->number = number;
	return walk->any ? frozen_node_any(walk->frozen, number, &walk->node) :
			   frozen_node(walk->frozen, number, &walk->node);
}

/* Whether no directory above the node was touched either. */
static bool above_known(struct frozen_walk *walk)
{
	struct frozen_node node;

	for (uint32_t number = walk->number; number; number = node.parent)
		if (!frozen_node(walk->frozen, number, &node))
			return walk->any;
	return walk->any || frozen_node(walk->frozen, 0, &node);
}

/* Put the link's target in place of the link in the rest of the path. */
static bool link_follow(struct frozen_walk *walk, const char *rest)
{
	size_t length = walk->node.link_length;
	uint32_t next = walk->node.parent;
	const char *target = walk->other;
	size_t left = strlen(rest);

	if (!length || length + left + 2 > PATH_MAX ||
	    !frozen_text(walk->frozen, walk->node.link, (uint32_t)length, walk->other, PATH_MAX))
		return false;
	if (*walk->other == '/') {
		target = frozen_below(walk->frozen->header.path, walk->other);
		next = 0;
	}
	if (!target)
		return false;
	length = strlen(target);
	memmove(walk->rest + length, rest, left + 1);
	memcpy(walk->rest, target, length);
	return node_get(walk, next);
}

/* Some servers have names that they do not list. */
static bool name_hidden(const char *name)
{
	static const char *const begin[] = { ".snap", "~snap", ".zfs", ".nfs", "@", ".origin" };

	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		if (!strncmp(name, begin[i], strlen(begin[i])))
			return true;
	return false;
}

/* In a directory whose names were changed the record does not know absent names, attributes and the list. */
static bool names_changed(const struct frozen_walk *walk)
{
	return !walk->any && frozen_touched(walk->frozen, walk->number, FROZEN_NAMES);
}

static bool is_dir(const struct frozen_walk *walk)
{
	return S_ISDIR(walk->node.mode) && walk->node.flags & FROZEN_KNOWN;
}

/* Walk one name further. FROZEN_IS: continue. */
static enum frozen_found step(struct frozen_walk *walk, const char *name, size_t length)
{
	uint32_t directory = walk->number;
	uint32_t number;

	if (length == 1 && *name == '.')
		return FROZEN_IS;
	if (length == 2 && !memcmp(name, "..", 2)) {
		if (!directory)
			return FROZEN_ASK;
		return node_get(walk, walk->node.parent) ? FROZEN_IS : FROZEN_ASK;
	}
	if (!(walk->node.flags & FROZEN_LISTED) || length > NAME_MAX ||
	    !frozen_find(walk->frozen, directory, name, length, &number))
		return FROZEN_ASK;
	if (number == FROZEN_NONE)
		return walk->any || name_hidden(name) || names_changed(walk) ? FROZEN_ASK :
									       FROZEN_ABSENT;
	return node_get(walk, number) ? FROZEN_IS : FROZEN_ASK;
}

enum frozen_found frozen_walk(struct frozen_walk *walk)
{
	const char *rest = walk->rest;
	int links = 0;

	if (!node_get(walk, walk->number) || !above_known(walk))
		return FROZEN_ASK;
	for (;;) {
		const char *name;
		size_t length = name_cut(rest, &name);
		enum frozen_found found;
		bool last;

		if (!length)
			break;
		if (!is_dir(walk))
			return FROZEN_ASK;
		rest = name + length;
		found = step(walk, name, length);
		if (found != FROZEN_IS)
			return found;
		last = !*rest;
		if (!S_ISLNK(walk->node.mode) || (last && walk->nofollow))
			continue;
		if (++links > FROZEN_LINKS || !link_follow(walk, rest))
			return FROZEN_ASK;
		rest = walk->rest;
	}
	/* a trailing slash requires a directory */
	if (*rest && !is_dir(walk))
		return FROZEN_ASK;
	return walk->node.flags & FROZEN_KNOWN && !names_changed(walk) ? FROZEN_IS : FROZEN_ASK;
}
