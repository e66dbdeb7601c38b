/* SPDX-License-Identifier: MIT */
/*
 * Whether the program or one of its libraries has system call instructions of its own (Go, Rust's rustix, hand-written
 * ones, a liburing that is linked in): a sign (sign.h).
 *
 * Objects are searched when a file is tracked, and when new objects were loaded. A search takes a millisecond
 * for each 5 to 10 MB that are in memory; its result is kept in the segment under the object's build id, so
 * that each object is searched once a boot. An object whose search would take too long, or read much from a
 * disk or a server, counts as one with such instructions until a later process has searched it.
 *
 * Not searched are libc and its parts; liburing and libaio, whose functions are hooks; the two libraries of
 * gcc that only wait; and code that is generated while the program runs.
 */
#ifndef SHIM_CODE_H
#define SHIM_CODE_H

#include <stdbool.h>

#include "base/compiler.h"

extern bool code_looked;
extern bool code_grows; /* the program loads objects */

/* Call when there may be objects that were not searched. */
static inline void code_changed(void)
{
	store_relaxed(&code_grows, true);
	store_relaxed(&code_looked, false);
}

void code_look_slow(void);
static inline void code_look(void)
{
	if (unlikely(!load_relaxed(&code_looked)))
		code_look_slow();
}

#endif
