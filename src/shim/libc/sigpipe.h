/* SPDX-License-Identifier: MIT */
/*
 * SIGPIPE, held back while one call of the program is made as several: the kernel sends the signal
 * only when a call fails that has sent nothing, and sendfile() knows no MSG_NOSIGNAL.
 *
 *	sigpipe_begin(&quiet);
 *	...
 *	sigpipe_end(&quiet, raise);
 */
#ifndef SHIM_SIGPIPE_H
#define SHIM_SIGPIPE_H

#include <stdbool.h>
#include <stdint.h>

struct quiet {
	uint64_t mask; /* of the thread, before */
	bool ignored;  /* nothing had to be done */
	bool pending;  /* one was waiting before */
};

void sigpipe_begin(struct quiet *quiet);

/* `raise`: a SIGPIPE that came in between is the program's; else it is taken away. */
void sigpipe_end(const struct quiet *quiet, bool raise);

/* A call was left between the two: the thread's mask becomes what it was. */
void sigpipe_recover(void);

#endif
