/* SPDX-License-Identifier: MIT */
/*
 * As whom this process asks for names: servers may answer one user otherwise than another. What the kernel itself
 * checks (search permission, root directory, mounts) it checks at each look; this is for the rest.
 */
#ifndef SHIM_WHO_H
#define SHIM_WHO_H

#include <stdbool.h>
#include <stdint.h>

struct who {
	uint64_t hash;	  /* of the user and groups for files, and the capabilities */
	uint32_t changes; /* of the process's rights, when it was worked out */
	bool plain;	  /* access(), which asks for the real user, asks for the same */
};

/* False: threads of this process may differ. Async-signal-safe. */
bool who_now(struct who *who);

/* Whether it is `hash` of base/credentials.h. */
bool who_is(const struct who *who, uint64_t hash);

/* Nothing was changed since. */
bool who_same(const struct who *who);

/* Around what changes the rights of all threads: before and after. */
void who_forget(void);

/* A thread changes its own. */
void who_blur(void);

#endif
