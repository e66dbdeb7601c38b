/* SPDX-License-Identifier: MIT */
/*
 * Signs that calls reach the kernel past the hooks: io_uring, code that makes system calls itself, a second
 * libc. The descriptor table cannot be trusted then: see watch.h. The word is 0 in nearly all programs, and
 * a hit pays one load and one branch for it. A sign stays for the life of the process.
 */
#ifndef SHIM_SIGN_H
#define SHIM_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum sign {
	SIGN_RING,     /* an io_uring that may read at positions, open or close */
	SIGN_CODE,     /* a loaded object has system call instructions of its own */
	SIGN_LIBC,     /* functions of libc other than ours were, or may have been, handed out */
	SIGN_NUMBER,   /* a descriptor is in use, or free, without a hook having seen it */
	SIGN_POSITION, /* the kernel's position is not where it was left */
	SIGN_COUNT
};

/* Signs that were seen, whether they were acted upon yet or not. */
extern uint32_t sign_seen;

/* Positions of this process that have not all been given to the kernel yet. */
extern bool sign_fresh;

static inline bool sign_any(void)
{
	return unlikely(load_acquire(&sign_seen) != 0);
}

/* Note a sign. Returns true if it is the first of its kind. Async-signal-safe. */
bool sign_note(enum sign sign);

/* The sign in words, for the log. */
const char *sign_text(enum sign sign);

#endif
