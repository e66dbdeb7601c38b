/* SPDX-License-Identifier: MIT */
/* Where slow files and fast disks are on this machine, for `rawcache setup`. */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define PLACES_MAX 16 /* with the heading and the question, they fit on a terminal of 24 lines */

struct place_found {
	char path[PATH_MAX]; /* a mount point, or an image's name */
	char type[32];	     /* of its file system */
	uint64_t free_bytes;
};

struct places {
	struct place_found place[PLACES_MAX];
	size_t count;
};

/* The free space for a file of this name; its directory need not exist yet. */
uint64_t places_free(const char *path);

/* Mounts of other machines, and of FUSE. */
void places_slow(struct places *places);

/* Where this user could have an image on a local disk: the default place first, then the roomiest. */
void places_fast(struct places *places);

#endif
