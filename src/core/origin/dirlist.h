/* SPDX-License-Identifier: MIT */
/*
 * The files of a directory in the orders in which programs open them: as listed (grep, find), by inode (cp,
 * programs that think of disks), by name (sorted lists).
 */
#ifndef CORE_DIRLIST_H
#define CORE_DIRLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statx;

/* The longest listing that is read: a program that opens all of more files has time for a second one. */
#define DIRLIST_NAMES 8192u

enum dirlist_order { DIRLIST_AS_LISTED, DIRLIST_BY_INODE, DIRLIST_BY_NAME, DIRLIST_ORDERS };

struct dirlist {
	char *names;	       /* each with its terminator; one mapping with all that follows */
	struct listed *listed; /* as listed */
	uint32_t *by[DIRLIST_ORDERS];
	uint32_t count;
	size_t bytes; /* of the memory at `listed`, where that is a mapping of its own */
};

struct listed {
	uint64_t inode;
	uint32_t name; /* where it begins */
	bool regular;  /* false: the directory does not tell */
};

/*
 * Read the names of the directory that are or may be regular files. 0 or -errno; -E2BIG: there are too many.
 * The caller has a descriptor table of its own.
 */
int dirlist_read(struct dirlist *listing, const char *path);
void dirlist_free(struct dirlist *listing);

/*
 * Make a list of names, each with its terminator, in their order, which is that of DIRLIST_AS_LISTED. The names stay
 * the caller's, and must stay. 0 or -errno.
 */
int dirlist_of(struct dirlist *listing, char *names, size_t bytes);
/* Free what dirlist_of() took; the listing is empty then. `names` stays the caller's. */
void dirlist_forget(struct dirlist *listing);

/*
 * Whether the servers of the file's mount refuse to change or remove a file that anyone has open. The caller has a
 * descriptor table of its own.
 */
bool dirlist_shares(const char *path, const struct statx *stx);

/* The name at a place of an order. */
const char *dirlist_name(const struct dirlist *listing, enum dirlist_order order, uint32_t place);

/* The first place from `from` up to `to` of this name; `to`: none. */
uint32_t dirlist_find(const struct dirlist *listing, enum dirlist_order order, const char *name,
		      uint32_t from, uint32_t to);

/* Whether no file is known to lie between the places a < b. */
bool dirlist_adjacent(const struct dirlist *listing, enum dirlist_order order, uint32_t a,
		      uint32_t b);

#endif
