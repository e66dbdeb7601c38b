/* SPDX-License-Identifier: MIT */
/*
 * SIGPIPE, held back while one call of the program is made as several. The kernel sends the signal only
 * when a call fails that has sent nothing, and sendfile() has no MSG_NOSIGNAL.
 *
 *   sigpipe_begin(&hold);
 *   ...
 *   sigpipe_end(&hold, raise);
 */
#ifndef SHIM_SIGPIPE_H
#define SHIM_SIGPIPE_H

#include <stdbool.h>
#include <stdint.h>

struct sigpipe_hold {
	uint64_t mask; /* of the thread, before sigpipe_begin() */
	bool ignored;  /* nothing had to be done */
	bool pending;  /* one was pending before */
};

void sigpipe_begin(struct sigpipe_hold *hold);

/* `raise`: a SIGPIPE that arrived in between is the program's; else it is taken away. */
void sigpipe_end(const struct sigpipe_hold *hold, bool raise);

/* A jump has left the code between the two: restore the thread's mask. */
void sigpipe_recover(void);

#endif
