/* SPDX-License-Identifier: MIT */
/*
 * What the servers are given: values sealed with libsodium's XChaCha20-Poly1305 (IETF), under keys that are
 * hashes keyed with the secret. A value opens under its own key only: moved, cut or made without the secret,
 * it does not.
 *
 *	24 bytes nonce, random | ciphertext | 16 bytes tag		the key is the additional data
 *
 * The library is loaded by a helper thread at its first need, so that no program has it that does not use the tier.
 */
#ifndef CORE_TIER_SEAL_H
#define CORE_TIER_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/tier/wire.h"

#define SEAL_SECRET 32u
#define SEAL_MORE 40u /* bytes that a sealed value has more */

/* dlopen() and dlsym(): libc's own, for the preload object has others. */
struct seal_loader {
	void *(*open)(const char *name, int flags);
	void *(*find)(void *library, const char *name);
};

/*
 * Load the library and derive the keys. 0, or -ENOSYS: it is not there, or not what it should be. Only the
 * first call does anything.
 */
int seal_load(const struct seal_loader *loader, const uint8_t secret[SEAL_SECRET]);

/* These are for after seal_load(). A key of `n` bytes of text. */
void seal_name(uint8_t key[WIRE_KEY], const void *text, size_t n);

/* `sealed` gets n + SEAL_MORE bytes. False: the kernel gives no random bytes. */
bool seal_close(const uint8_t key[WIRE_KEY], const void *plain, size_t n, void *sealed);

/* `sealed` has n + SEAL_MORE bytes. False: it is not what was sealed under that key. */
bool seal_open(const uint8_t key[WIRE_KEY], const void *sealed, size_t n, void *plain);

#endif
