/* SPDX-License-Identifier: MIT */
/* A file that is replaced as a whole: readers find the old one or the new one. */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include <limits.h>
#include <stdio.h>

struct outfile {
	FILE *out;
	char path[PATH_MAX];
	char temporary[PATH_MAX]; /* empty: `path` is no regular file, and written directly */
};

/* Begin `path`; `what` names it in complaints. GO_ON or a status; on GO_ON owes one of the next two. */
int outfile_open(struct outfile *file, const char *path, const char *what);

/* Put what was written in its place. GO_ON or a status. */
int outfile_commit(struct outfile *file);

/* Leave the old one. Does nothing after outfile_commit(). */
void outfile_abandon(struct outfile *file);

#endif
