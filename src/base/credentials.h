/* SPDX-License-Identifier: MIT */
/* The credentials with which a process asks for files. */
#ifndef BASE_CREDENTIALS_H
#define BASE_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credentials {
	uint64_t hash; /* of the user, the groups and the capabilities that count for files */
	bool plain;    /* access(), which checks the real user, would answer as open() does */
};

/*
 * Read them. `buf` of `n` bytes is scratch space for the groups. Returns false when it is too small.
 * Async-signal-safe.
 */
bool credentials_read(void *buf, size_t n, struct credentials *credentials);

#endif
