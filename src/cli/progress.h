/* SPDX-License-Identifier: MIT */
/* How far a long command is: one line on a terminal, nothing elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "read", "verified" */
	bool bytes;	  /* what is counted are bytes, and not places of an index */
	bool terminal, shown;
	uint64_t start, next; /* ms */
};

void progress_begin(struct progress *progress, const char *what, bool bytes);

/*
 * `done` of `total`. The remaining time is estimated by `moved`, the part of `done` that took time. May be
 * called often: a line is written a few times a second.
 */
void progress_step(struct progress *progress, uint64_t done, uint64_t total, uint64_t moved);

/* As the library's functions call it, with a struct progress for `arg`. True. */
bool progress_show(void *arg, uint64_t done, uint64_t total);

/* Clear the line. */
void progress_end(struct progress *progress);

#endif
