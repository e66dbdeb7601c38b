/* SPDX-License-Identifier: MIT */
/* As whom a process asks for files. */
#ifndef BASE_CREDENTIALS_H
#define BASE_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credentials {
	uint64_t hash; /* of the user and groups for files, and the capabilities */
	bool plain;    /* access(), which asks for the real user, asks for the same */
};

/* `buf` of `n` bytes is for the groups. False: there are more than it has room for. Async-signal-safe. */
bool credentials_read(void *buf, size_t n, struct credentials *credentials);

#endif
