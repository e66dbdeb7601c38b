/* SPDX-License-Identifier: MIT */
/* The regular files that operands name, themselves or in the trees below them. */
#ifndef CLI_FILELIST_H
#define CLI_FILELIST_H

#include <stddef.h>
#include <stdint.h>

struct filelist_file {
	char *path;
	uint64_t size;
	uint64_t handle; /* for the user of the list; 0 */
	int err;	 /* likewise */
};

struct filelist {
	struct filelist_file *file;
	size_t count, room;
	uint64_t bytes;
	size_t unreadable; /* said on stderr */
};

/* Add a file, or all below a directory: symbolic links below it are not followed. A status. */
int filelist_add(struct filelist *list, const char *path);

/* Warn that a file cannot be read. */
void filelist_unreadable(const char *path, int err);

void filelist_fini(struct filelist *list);

#endif
