/* SPDX-License-Identifier: MIT */
/* Reading a record: what it says of a node. */
#include "base/frozen.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/guard.h"

static bool map_copy(const struct frozen *frozen, void *to, uint64_t at, size_t n)
{
	return range_inside(at, n, frozen->bytes) && !guard_copy(to, frozen->map + at, n);
}

bool frozen_thawed(const struct frozen *frozen)
{
	uint32_t thawed = 1;

	return !map_copy(frozen, &thawed, offsetof(struct frozen_header, thawed), sizeof(thawed)) ||
	       thawed;
}

bool frozen_touched(const struct frozen *frozen, uint32_t number, enum frozen_part part)
{
	uint8_t touched = 1;

	return !map_copy(frozen, &touched, frozen->header.touched_at + 2ull * number + part, 1) ||
	       touched;
}

bool frozen_node_any(const struct frozen *frozen, uint32_t number, struct frozen_node *node)
{
	return number < frozen->header.count &&
	       map_copy(frozen, node, frozen->header.nodes_at + (uint64_t)number * sizeof(*node),
			sizeof(*node)) &&
	       node->parent < frozen->header.count && (!number || node->parent < number);
}

bool frozen_node(const struct frozen *frozen, uint32_t number, struct frozen_node *node)
{
	return frozen_node_any(frozen, number, node) &&
	       !frozen_touched(frozen, number, FROZEN_WHOLE);
}

bool frozen_text(const struct frozen *frozen, uint32_t at, uint32_t length, char *buf, size_t n)
{
	if (length >= n || !range_inside(at, length, frozen->header.names_bytes) ||
	    !map_copy(frozen, buf, frozen->header.names_at + at, length))
		return false;
	buf[length] = '\0';
	return true;
}

size_t frozen_path(const struct frozen *frozen, uint32_t number, char *buf, size_t n)
{
	size_t root = strlen(frozen->header.path);
	size_t at = n - 1;
	struct frozen_node node;

	buf[at] = '\0';
	for (; number; number = node.parent) {
		if (!frozen_node_any(frozen, number, &node) || node.name_length + root + 2 > at)
			return 0;
		at -= node.name_length;
		/* the byte behind the name is overwritten by the NUL for a moment */
		if (!range_inside(node.name, node.name_length, frozen->header.names_bytes) ||
		    !map_copy(frozen, buf + at, frozen->header.names_at + node.name,
			      node.name_length))
			return 0;
		buf[--at] = '/';
	}
	memmove(buf + root, buf + at, n - at);
	memcpy(buf, frozen->header.path, root);
	return root + n - 1 - at;
}

uint64_t frozen_place(uint32_t parent, const char *name, size_t length)
{
	return XXH3_64bits_withSeed(name, length, parent);
}

static bool name_is(const struct frozen *frozen, const struct frozen_node *node, const char *name,
		    size_t length)
{
	const char *at = frozen->map + frozen->header.names_at + node->name;

	return node->name_length == length &&
	       range_inside(node->name, length, frozen->header.names_bytes) &&
	       guard_same(name, at, length);
}

bool frozen_find(const struct frozen *frozen, uint32_t parent, const char *name, size_t length,
		 uint32_t *number)
{
	uint64_t mask = (UINT64_C(1) << frozen->header.place_bits) - 1;
	uint64_t place = frozen_place(parent, name, length);
	struct frozen_node node;

	for (uint64_t tries = 0; tries <= mask; tries++, place++) {
		uint32_t seen;

		if (!map_copy(frozen, &seen,
			      frozen->header.places_at + (place & mask) * sizeof(seen),
			      sizeof(seen)))
			return false;
		*number = seen - 1; /* 0 stands for FROZEN_NONE */
		if (!seen)
			return true;
		if (!frozen_node_any(frozen, *number, &node))
			return false;
		if (node.parent == parent && *number && name_is(frozen, &node, name, length))
			return true;
	}
	return false;
}

static struct statx_timestamp statx_time(const struct frozen_time *time)
{
	return (struct statx_timestamp){ .tv_sec = time->sec, .tv_nsec = time->nsec };
}

void frozen_attributes(const struct frozen_node *node, struct statx *stx)
{
	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = node->mask;
	stx->stx_blksize = node->blksize;
	stx->stx_attributes = node->attributes;
	stx->stx_attributes_mask = node->attributes_mask;
	stx->stx_nlink = node->nlink;
	stx->stx_uid = node->uid;
	stx->stx_gid = node->gid;
	stx->stx_mode = node->mode;
	stx->stx_ino = node->ino;
	stx->stx_size = node->size;
	stx->stx_blocks = node->blocks;
	stx->stx_atime = statx_time(&node->atime);
	stx->stx_btime = statx_time(&node->btime);
	stx->stx_ctime = statx_time(&node->ctime);
	stx->stx_mtime = statx_time(&node->mtime);
	stx->stx_rdev_major = node->rdev_major;
	stx->stx_rdev_minor = node->rdev_minor;
}

static bool time_same(const struct frozen_time *time, const struct statx_timestamp *stx)
{
	return time->sec == stx->tv_sec && time->nsec == stx->tv_nsec;
}

bool frozen_same(const struct frozen_node *node, const struct statx *stx)
{
	return node->ino == stx->stx_ino && node->size == stx->stx_size &&
	       time_same(&node->mtime, &stx->stx_mtime) && time_same(&node->ctime, &stx->stx_ctime);
}
