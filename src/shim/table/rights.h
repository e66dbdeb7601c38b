/* SPDX-License-Identifier: MIT */
/*
 * Rights that belong to threads: capabilities, user and group ids for files, no_new_privs, Landlock, securebits,
 * keyrings. A program of one thread that changes its own rights means those of the whole program: our helper
 * threads must not keep the old ones.
 */
#ifndef SHIM_RIGHTS_H
#define SHIM_RIGHTS_H

#include <stdbool.h>

#include "base/critical.h"

struct rights_change {
	struct critical critical;
	bool begun;
};

/*
 * Must enclose a call that changes the calling thread's rights: the helpers have ended when it is made, and
 * later ones are made with the new rights. Costs nothing if there are none. A helper that is in a read is
 * waited for at most POOL_LEAVE_MS; then the call is made all the same.
 */
void rights_begin(struct rights_change *change);
void rights_end(const struct rights_change *change);

/*
 * Call before a call after which the image may be out of reach: with RAWCACHE_EARLY the program attaches
 * now, while it may. Not in a vfork child.
 */
void rights_drop(void);

/*
 * rights_begin() and rights_drop() for syscall(2), with its number and first argument: unlike the functions of libc
 * it changes one thread only. Owes a rights_end().
 */
void rights_call_begin(long number, long first, struct rights_change *change);

#endif
