/* SPDX-License-Identifier: MIT */
/*
 * The credentials with which this process asks for names: a server may answer one user differently from
 * another. What the kernel itself checks (search permission, root directory, mounts), it checks at each
 * look; this is for the rest.
 */
#ifndef SHIM_WHO_H
#define SHIM_WHO_H

#include <stdbool.h>
#include <stdint.h>

struct who {
	uint64_t hash;	  /* of the user, the groups and the capabilities that count for files */
	uint32_t changes; /* count of changes of the process's rights when it was computed */
	bool plain;	  /* access(), which checks the real user, would answer as open() does */
};

/* False: threads of this process may differ. Async-signal-safe. */
bool who_now(struct who *who);

/* Whether it equals `hash` of base/credentials.h. */
bool who_is(const struct who *who, uint64_t hash);

/* Whether nothing was changed since. */
bool who_same(const struct who *who);

/* Must be called before and after the rights of all threads change. */
void who_forget(void);

/* A thread changes its own rights only. */
void who_blur(void);

#endif
