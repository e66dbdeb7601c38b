/* SPDX-License-Identifier: MIT */
/*
 * What the servers store: values that are sealed with libsodium's XChaCha20-Poly1305 (IETF), under keys
 * that are hashes keyed with the secret. A value opens under its own key only, and not if it was moved,
 * truncated, or made without the secret.
 *
 *   24 bytes nonce, random | ciphertext | 16 bytes tag; the key is the additional data
 *
 * A helper thread loads the library when it is first needed, so that a program that does not use the tier
 * does not have it.
 */
#ifndef CORE_TIER_SEAL_H
#define CORE_TIER_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/tier/wire.h"

#define SEAL_SECRET 32u /* bytes of a key: 256 bits */
#define SEAL_MORE 40u	/* by how many bytes a sealed value is longer */

/* dlopen() and dlsym() of libc: the preload object has functions of these names itself. */
struct seal_loader {
	void *(*open)(const char *name, int flags);
	void *(*find)(void *library, const char *name);
};

/*
 * Load the library and derive the keys. 0; or -ENOSYS: the library is missing or not the right one. Only
 * the first call does anything.
 */
int seal_load(const struct seal_loader *loader, const uint8_t secret[SEAL_SECRET]);

/* The following may be called after seal_load(). seal_name(): the key of `n` bytes of text. */
void seal_name(uint8_t key[WIRE_KEY], const void *text, size_t n);

/* Seal; `sealed` gets n + SEAL_MORE bytes. False: the kernel gives no random bytes. */
bool seal_close(const uint8_t key[WIRE_KEY], const void *plain, size_t n, void *sealed);

/* Open; `sealed` has n + SEAL_MORE bytes. False: it was not sealed under that key. */
bool seal_open(const uint8_t key[WIRE_KEY], const void *sealed, size_t n, void *plain);

#endif
