/* SPDX-License-Identifier: MIT */
/*
 * Records of frozen trees. A user says that a tree of files is one version until he thaws it; what was recorded of it
 * then answers for it: names, attributes, links, and the bytes of small files. One file a tree, beside the image:
 *
 *	header (a page) | bytes of files | nodes | places (a hash table of names) | touched, two bytes a node | names
 *
 * All processes map it. Only two things of it ever change: a node is touched, when a program changes its file; and the
 * whole is thawed. Both stay so for ever. A directory that names come to or go from is out of the record, and so are
 * names that it did not have; of the others those that stay are not. What is touched wholly is out with all below it.
 *
 * What is read of the mapping goes through guard_copy(), because its disk may fail, and each number of it is checked.
 */
#ifndef BASE_FROZEN_H
#define BASE_FROZEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sys.h"

#define FROZEN_MAGIC "rcfrozen"
#define FROZEN_VERSION 1
#define FROZEN_HEADER 4096u
/* larger files have no bytes in the record: they are opened */
#define FROZEN_SMALL (UINT64_C(1) << 20)
#define FROZEN_NONE UINT32_MAX
#define FROZEN_LINKS 40 /* as in the kernel */

enum frozen_flag {
	/* its attributes; without it only the name and the type, and the origin is asked */
	FROZEN_KNOWN = 1,
	FROZEN_LISTED = 2,   /* a directory, and its names are complete */
	FROZEN_READABLE = 4, /* it could be opened for reading */
	FROZEN_RUNNABLE = 8, /* it may be executed */
	FROZEN_BYTES = 16,   /* they are in the record */
};

struct frozen_time {
	int64_t sec;
	uint32_t nsec;
	uint32_t unused;
};

struct frozen_node {
	uint32_t parent; /* of the root: itself */
	/* of a directory: its names, in the order in which they were listed */
	uint32_t first, count;
	uint32_t flags;	     /* enum frozen_flag */
	uint32_t name, link; /* where in the names; the target of a symbolic link */
	uint16_t name_length, link_length;
	uint16_t mode, unused;
	uint32_t nlink, uid, gid, mask, blksize, rdev_major, rdev_minor;
	uint64_t ino, size, blocks, attributes, attributes_mask;
	uint64_t at, hash; /* the bytes, and XXH3 of them */
	struct frozen_time atime, btime, ctime, mtime;
};

struct frozen_header {
	char magic[8];
	uint32_t version, node_bytes;
	uint64_t file_bytes; /* the whole record */
	uint64_t nodes_at, places_at, touched_at, names_at;
	uint32_t count, place_bits, names_bytes;
	uint32_t mount_length; /* of the path: where the mount that the tree lies on begins */
	uint64_t mount_inode;
	uint64_t mount_id[2];	       /* rawcache_mount_id() */
	uint64_t who;		       /* hash of the credentials that it was recorded with */
	uint64_t made_real, made_boot; /* ns, when the walk began: CLOCK_REALTIME, CLOCK_BOOTTIME */
	uint8_t boot[16];
	char path[PATH_MAX - 256];
	uint64_t hash; /* of all before */
	/* from here on it changes */
	uint32_t thawed;
};

_Static_assert(sizeof(struct frozen_header) <= FROZEN_HEADER, "a page");

struct frozen {
	const char *map; /* NULL: none */
	uint64_t bytes;
	struct frozen_header header; /* a copy: what of it never changes */
};

/* The record's file: beside the image. 0 or -ENAMETOOLONG. */
int frozen_name(const char *image, const char *path, char *buf, size_t n);

/* Map a record, if it is this user's own. 0 or a negative errno value. Async-signal-safe. */
int frozen_open(struct frozen *frozen, const char *name, const char *path);
void frozen_close(struct frozen *frozen);

/* Somebody has thawed it, or its disk fails. */
bool frozen_thawed(const struct frozen *frozen);

/* ns since it was recorded; UINT64_MAX where clocks do not tell. */
uint64_t frozen_age(const struct frozen *frozen);

/* False: it is touched wholly, or damaged: ask the origin. */
bool frozen_node(const struct frozen *frozen, uint32_t number, struct frozen_node *node);

/* The same, touched or not: for who marks. */
bool frozen_node_any(const struct frozen *frozen, uint32_t number, struct frozen_node *node);
enum frozen_part { FROZEN_NAMES, FROZEN_WHOLE };
bool frozen_touched(const struct frozen *frozen, uint32_t number, enum frozen_part part);

/* Text of the names into `buf`, with a NUL behind it. */
bool frozen_text(const struct frozen *frozen, uint32_t at, uint32_t length, char *buf, size_t n);

/* The path of a node, absolute; its length, or 0. */
size_t frozen_path(const struct frozen *frozen, uint32_t number, char *buf, size_t n);

/* Where in the hash table to begin for a name. */
uint64_t frozen_place(uint32_t parent, const char *name, size_t length);

/* The name in the directory: a number, or FROZEN_NONE. False: damaged. */
bool frozen_find(const struct frozen *frozen, uint32_t parent, const char *name, size_t length,
		 uint32_t *number);

enum frozen_found {
	FROZEN_ASK,    /* the record does not tell */
	FROZEN_ABSENT, /* the kernel would say ENOENT */
	FROZEN_IS,     /* walk->node is it */
};

struct frozen_walk {
	const struct frozen *frozen;
	uint32_t number;    /* from where, and what was found */
	bool nofollow, any; /* any: touched nodes do not end it */
	struct frozen_node node;
	char *rest, *other; /* two buffers of PATH_MAX; the path is in the first */
};

/* Follow walk->rest, which is relative to walk->number. */
enum frozen_found frozen_walk(struct frozen_walk *walk);

/* The path's part that is relative to the tree, or NULL: it does not lead there by what it says. */
const char *frozen_below(const char *root, const char *path);

/* Touch it; FROZEN_NONE: thaw the whole. 0 or a negative errno value. */
int frozen_touch(const struct frozen *frozen, const char *name, uint32_t number,
		 enum frozen_part part);

/* Attributes as statx() has them, but for the device and the mount. */
void frozen_attributes(const struct frozen_node *node, struct statx *stx);

/* Whether these are of the version that was recorded: inode, size and times. The caller compares the device. */
bool frozen_same(const struct frozen_node *node, const struct statx *stx);

/* "DIR=TIME" of `n` bytes: the length of DIR, and TIME in ns, UINT64_MAX where there is none. */
size_t frozen_entry(const char *text, size_t n, uint64_t *ns);

#endif
