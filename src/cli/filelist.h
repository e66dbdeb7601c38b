/* SPDX-License-Identifier: MIT */
/*
 * The regular files that operands name, themselves or in the trees below them. A list of 200,000 files takes some
 * 10 MB: what the names of a directory have in common is kept once.
 */
#ifndef CLI_FILELIST_H
#define CLI_FILELIST_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct filelist_file {
	uint32_t directory, name; /* where they begin in filelist.text */
	uint64_t size;
	uint64_t key[2]; /* for the user of the list; 0 */
};

struct filelist {
	struct filelist_file *file;
	size_t count, room;
	uint64_t bytes;
	size_t unreadable; /* said on stderr */
	char *text;	   /* strings, one behind the other */
	size_t text_length, text_room;
	uint32_t directory; /* the last one */
};

/* Add a file, or all below a directory: symbolic links below it are not followed. A status. */
int filelist_add(struct filelist *list, const char *path);

/* The path of a file of the list, as it is to be opened. 0; -ENAMETOOLONG. */
int filelist_path(const struct filelist *list, const struct filelist_file *file,
		  char path[PATH_MAX]);

/* Warn that a file cannot be read. */
void filelist_unreadable(const char *path, int err);

void filelist_fini(struct filelist *list);

#endif
