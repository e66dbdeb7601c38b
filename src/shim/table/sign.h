/* SPDX-License-Identifier: MIT */
/*
 * Signs that calls reach the kernel past the hooks: io_uring, code that makes its system calls
 * itself, a second libc. The descriptor table cannot be taken at its word then: watch.h.
 *
 * The word is 0 in nearly all programs, and hits pay one load and one branch for it. A sign stays
 * for the life of the process.
 */
#ifndef SHIM_SIGN_H
#define SHIM_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum sign {
	SIGN_RING,     /* an io_uring that may read at positions, open or close */
	SIGN_CODE,     /* a loaded object has system call instructions of its own */
	SIGN_LIBC,     /* functions of libc that are not ours were handed out, or may be */
	SIGN_NUMBER,   /* a descriptor is in use, or free, and no hook saw why */
	SIGN_POSITION, /* the kernel's position is not where it was left */
	SIGN_COUNT
};

/* Signs that were seen, whether they are acted upon yet or not. */
extern uint32_t sign_seen;

/* Positions that were the process's own have not all been given to the kernel yet. */
extern bool sign_fresh;

static inline bool sign_any(void)
{
	return unlikely(load_acquire(&sign_seen) != 0);
}

/* True: it is the first of this kind. Async-signal-safe. */
bool sign_note(enum sign sign);

/* In words, for the log. */
const char *sign_text(enum sign sign);

#endif
