/* SPDX-License-Identifier: MIT */
/* Running a program and telling afterwards what the cache did meanwhile. */
#ifndef CLI_WATCHED_H
#define CLI_WATCHED_H

#include "cli/target.h"

struct watched {
	const struct target *target;
	bool summary;	    /* a few lines on standard error */
	const char *report; /* a page in this file; NULL: none */
};

/* A status; that of the program when it could be run. */
int watched_run(const struct watched *watched, char **argv);

/* Say that argv[0] could not be started. A status. */
int watched_failed(const char *name, int err);

#endif
