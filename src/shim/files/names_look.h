/* SPDX-License-Identifier: MIT */
/* What names.c and names_attribute.c share. */
#ifndef SHIM_NAMES_LOOK_H
#define SHIM_NAMES_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <rawcache/embed.h>

#include "base/sys.h"

#include "shim/libc/pathbuf.h"
#include "shim/table/who.h"

#define DIR_MASK (STATX_TYPE | STATX_INO | STATX_MTIME | STATX_CTIME | STATX_MNT_ID_UNIQUE)

struct look {
	int dir;
	struct pathbuf *buf; /* the path; after the split, the directory's with a "." behind it */
	size_t at, length;   /* where the name stood in the path, and its length */
	char name[NAME_MAX + 1];
	struct who who;
	struct rawcache_names names;
};

/* Copy the program's string, whose address may be bad. False: leave the call to the kernel. */
bool names_path_copy(struct pathbuf *buf, const char *path);

/*
 * Whether a descriptor is free. The kernel takes one first, and if there is none it answers that; this
 * takes one and gives it back.
 */
bool names_descriptor_free(void);

/* Check the path as the program wrote it: the cheapest way to see that it does not matter. */
bool names_path_may_matter(const char *path);

/* Split the path into directory and name. False: it has no directory, or a name that cannot be absent. */
bool names_look_split(struct look *look);

/* Look at the directory. False: nothing is known of it, or it cannot be reached. */
bool names_look_at(const struct look *look, struct rawcache_names *names);

#endif
