/* SPDX-License-Identifier: MIT */
/*
 * Records of frozen trees. A user declares that a tree of files stays one version until it is thawed; the
 * record then answers for it: names, attributes, symbolic links, and the bytes of small files. Each tree
 * has one file, beside the image:
 *
 *   header (a page) | bytes of files | nodes | places (a hash table of names) | touched, two bytes a node |
 * names
 *
 * All processes map it. Only two things in it ever change: a node is touched when a program changes its
 * file, and the whole record is thawed. Neither is ever undone. When names are added to or removed from a
 * directory, its list and the names that it did not have are out of the record; the names that stay are
 * still in it. A node that is touched wholly is out of the record with everything below it. The mapping is
 * read through guard_copy(), because its disk may fail, and each number in it is checked.
 */
#ifndef BASE_FROZEN_H
#define BASE_FROZEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sys.h"

#define FROZEN_MAGIC "rcfrozen"
#define FROZEN_VERSION 1    /* a record of another version is made anew */
#define FROZEN_HEADER 4096u /* a page, so that what follows is mapped on a boundary */
/* the record has no bytes of larger files: they are opened */
#define FROZEN_SMALL (UINT64_C(1) << 20)
#define FROZEN_NONE UINT32_MAX
#define FROZEN_LINKS 40 /* the kernel's limit */

enum frozen_flag {
	/* its attributes are recorded; otherwise only its name and type are, and the origin is asked */
	FROZEN_KNOWN = 1,
	FROZEN_LISTED = 2,   /* a directory whose list of names is complete */
	FROZEN_READABLE = 4, /* it could be opened for reading */
	FROZEN_RUNNABLE = 8, /* it may be executed */
	FROZEN_BYTES = 16,   /* its bytes are in the record */
};

struct frozen_time {
	int64_t sec;
	uint32_t nsec;
	uint32_t unused;
};

struct frozen_node {
	uint32_t parent; /* the root's parent is the root */
	/* of a directory: its names, in the order of the list */
	uint32_t first, count;
	uint32_t flags;	     /* enum frozen_flag */
	uint32_t name, link; /* offsets in the names: its name, and the target of a symbolic link */
	uint16_t name_length, link_length;
	uint16_t mode, unused;
	uint32_t nlink, uid, gid, mask, blksize, rdev_major, rdev_minor;
	uint64_t ino, size, blocks, attributes, attributes_mask;
	uint64_t at, hash; /* offset of the bytes, and their XXH3 */
	struct frozen_time atime, btime, ctime, mtime;
};

struct frozen_header {
	char magic[8];
	uint32_t version, node_bytes;
	uint64_t file_bytes; /* size of the whole record */
	uint64_t nodes_at, places_at, touched_at, names_at;
	uint32_t count, place_bits, names_bytes;
	uint32_t mount_length; /* length of the path of the mount on which the tree lies */
	uint64_t mount_inode;
	uint64_t mount_id[2]; /* rawcache_mount_id() */
	uint64_t who;	      /* hash of the credentials of the user who recorded it */
	/* when the walk began, in ns of CLOCK_REALTIME and CLOCK_BOOTTIME */
	uint64_t made_real, made_boot;
	uint8_t boot[16];
	char path[PATH_MAX - 256];
	uint64_t hash; /* of all fields before it */
	/* this field and those behind it change */
	uint32_t thawed;
};

_Static_assert(sizeof(struct frozen_header) <= FROZEN_HEADER, "a page");

struct frozen {
	const char *map; /* NULL: none */
	uint64_t bytes;
	struct frozen_header header; /* a copy of the part that never changes */
};

/* Write the name of the record's file, which lies beside the image, into `buf`. 0 or -ENAMETOOLONG. */
int frozen_name(const char *image, const char *path, char *buf, size_t n);

/* Map a record that belongs to this user. 0 or -errno. Async-signal-safe. */
int frozen_open(struct frozen *frozen, const char *name, const char *path);
void frozen_close(struct frozen *frozen);

/* Whether the record is thawed, or its disk fails. */
bool frozen_thawed(const struct frozen *frozen);

/* The age of the record in ns; UINT64_MAX where the clocks do not tell it. */
uint64_t frozen_age(const struct frozen *frozen);

/* Read a node. False: it is touched wholly or damaged; ask the origin. */
bool frozen_node(const struct frozen *frozen, uint32_t number, struct frozen_node *node);

/* The same, touched or not: for callers that touch it. */
bool frozen_node_any(const struct frozen *frozen, uint32_t number, struct frozen_node *node);
enum frozen_part { FROZEN_NAMES, FROZEN_WHOLE };
bool frozen_touched(const struct frozen *frozen, uint32_t number, enum frozen_part part);

/* Copy text of the names into `buf`, with a NUL behind it. */
bool frozen_text(const struct frozen *frozen, uint32_t at, uint32_t length, char *buf, size_t n);

/* Write the absolute path of a node into `buf`. Returns its length, or 0. */
size_t frozen_path(const struct frozen *frozen, uint32_t number, char *buf, size_t n);

/* The place in the hash table at which the search for a name begins. */
uint64_t frozen_place(uint32_t parent, const char *name, size_t length);

/* Find a name in a directory: *number is its node, or FROZEN_NONE. False: the record is damaged. */
bool frozen_find(const struct frozen *frozen, uint32_t parent, const char *name, size_t length,
		 uint32_t *number);

enum frozen_found {
	FROZEN_ASK,    /* the record does not tell */
	FROZEN_ABSENT, /* the kernel would answer ENOENT */
	FROZEN_IS,     /* found: walk->node */
};

struct frozen_walk {
	const struct frozen *frozen;
	uint32_t number;    /* the node to start from; afterwards the node that was found */
	bool nofollow, any; /* `any`: touched nodes do not end the walk */
	struct frozen_node node;
	char *rest, *other; /* two buffers of PATH_MAX; the path is in the first */
};

/* Follow walk->rest, which is relative to walk->number. */
enum frozen_found frozen_walk(struct frozen_walk *walk);

/* The part of the path below the tree, or NULL: by its words the path does not lead there. */
const char *frozen_below(const char *root, const char *path);

/* Mark a node as touched; with FROZEN_NONE, thaw the whole record. 0 or -errno. */
int frozen_touch(const struct frozen *frozen, const char *name, uint32_t number,
		 enum frozen_part part);

/* Fill in attributes as statx() does, except for the device and the mount. */
void frozen_attributes(const struct frozen_node *node, struct statx *stx);

/*
 * Whether `stx` is of the version that was recorded: inode, size and times. The caller compares the device.
 */
bool frozen_same(const struct frozen_node *node, const struct statx *stx);

/* Parse "DIR=TIME" of `n` bytes: returns the length of DIR; *ns is TIME, or UINT64_MAX without one. */
size_t frozen_entry(const char *text, size_t n, uint64_t *ns);

#endif
