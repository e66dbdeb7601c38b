/* SPDX-License-Identifier: MIT */
/*
 * Rights that belong to threads: capabilities, the ids of files, no_new_privs, Landlock, securebits, keyrings. A
 * program of one thread that changes its own means the whole program: our helper threads must not keep others.
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
 * Around a call that changes the calling thread's rights: the helpers are gone when it is made, and those that are
 * needed later are made with the new ones. Costs nothing where there are none. For a second it is waited for a
 * helper that is in a read; then the call is made all the same.
 */
void rights_begin(struct rights_change *change);
void rights_end(const struct rights_change *change);

/*
 * Before a call after which the image may be out of reach: with RAWCACHE_EARLY the program attaches now, while it
 * may. Not in a vfork child.
 */
void rights_drop(void);

/*
 * The same for syscall(2) with `number` and a first argument, whichever call it is: what libc does in all threads, it
 * does in one. Owes rights_end().
 */
void rights_call_begin(long number, long first, struct rights_change *change);

#endif
