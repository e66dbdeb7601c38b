/* SPDX-License-Identifier: MIT */
/*
 * A process in which calls may reach the kernel past the hooks (sign.h). From the first sign on the kernel
 * keeps all positions, and each served call asks the kernel whether the number still means the file that
 * the table has for it: two short system calls, and a third for the position. Before the first sign none of
 * this costs anything.
 *
 * One look in a call is enough. The kernel takes the file at the beginning of a call, whatever happens to
 * the number during the call; so a call that finds the number right at any time during itself may answer as
 * if it had been made then.
 */
#ifndef SHIM_WATCH_H
#define SHIM_WATCH_H

#include <stdbool.h>

#include "shim/table/handle.h"
#include "shim/table/sign.h"

/* A sign was seen: returns when no position is kept in user space any more. Keeps errno. */
void past_begin(enum sign sign);

/* Act upon a sign that was noted where that could not be done at once. */
void past_settle_slow(void);
static inline void past_settle(void)
{
	if (unlikely(load_relaxed(&sign_fresh)))
		past_settle_slow();
}

enum watch_answer {
	WATCH_SAME,    /* the number means the file, in the known state */
	WATCH_CHANGED, /* it means the file, whose attributes have changed */
	WATCH_OTHER,   /* it means something else: the entry was removed */
};

/* What `fd`, for which the table has `handle`, really means. For processes with a sign. */
enum watch_answer past_look(struct handle *handle, int fd);

/* fdtab_changes(); 0 as well if the number does not mean what the table says. */
uint32_t past_number(int fd);

#endif
