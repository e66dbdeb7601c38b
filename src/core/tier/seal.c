/* SPDX-License-Identifier: MIT */
#include "core/tier/seal.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/sys.h"

#define LIBRARY "libsodium.so.23"
/* Bytes of XChaCha20-Poly1305. */
#define NONCE 24u
#define TAG 16u

typedef int hash_fn(unsigned char *out, size_t out_bytes, const unsigned char *in,
		    unsigned long long n, const unsigned char *key, size_t key_bytes);
typedef int encrypt_fn(unsigned char *c, unsigned long long *c_bytes, const unsigned char *m,
		       unsigned long long n, const unsigned char *ad, unsigned long long ad_bytes,
		       const unsigned char *nsec, const unsigned char *nonce,
		       const unsigned char *key);
typedef int decrypt_fn(unsigned char *m, unsigned long long *m_bytes, unsigned char *nsec,
		       const unsigned char *c, unsigned long long n, const unsigned char *ad,
		       unsigned long long ad_bytes, const unsigned char *nonce,
		       const unsigned char *key);

static hash_fn *hash;
static encrypt_fn *encrypt;
static decrypt_fn *decrypt;
static uint8_t name_secret[SEAL_SECRET], seal_secret[SEAL_SECRET];
static uint32_t loaded; /* 1: ready, 2: it could not be loaded */

static bool sodium_load(const struct seal_loader *loader)
{
	void *library = loader->open(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	int (*init)(void) = NULL;

	if (!library)
		return false;
	*(void **)&init = loader->find(library, "sodium_init");
	*(void **)&hash = loader->find(library, "crypto_generichash");
	*(void **)&encrypt = loader->find(library, "crypto_aead_xchacha20poly1305_ietf_encrypt");
	*(void **)&decrypt = loader->find(library, "crypto_aead_xchacha20poly1305_ietf_decrypt");
	return init && hash && encrypt && decrypt && init() >= 0;
}

int seal_load(const struct seal_loader *loader, const uint8_t secret[SEAL_SECRET])
{
	static const char name_text[] = "rawcache tier names 1",
			  seal_text[] = "rawcache tier values 1";
	uint32_t done = load_acquire(&loaded);

	if (!done) {
		done = sodium_load(loader) ? 1 : 2;
		if (done == 1) {
			hash(name_secret, SEAL_SECRET, (const unsigned char *)name_text,
			     sizeof(name_text), secret, SEAL_SECRET);
			hash(seal_secret, SEAL_SECRET, (const unsigned char *)seal_text,
			     sizeof(seal_text), secret, SEAL_SECRET);
		}
		store_release(&loaded, done); /* pairs with the acquire above, in other threads */
	}
	return done == 1 ? 0 : -ENOSYS;
}

void seal_name(uint8_t key[WIRE_KEY], const void *text, size_t n)
{
	hash(key, WIRE_KEY, text, n, name_secret, SEAL_SECRET);
}

bool seal_close(const uint8_t key[WIRE_KEY], const void *plain, size_t n, void *sealed)
{
	unsigned char *to = sealed;

	return sys_getrandom(to, NONCE) == (ssize_t)NONCE &&
	       !encrypt(to + NONCE, NULL, plain, n, key, WIRE_KEY, NULL, to, seal_secret);
}

bool seal_open(const uint8_t key[WIRE_KEY], const void *sealed, size_t n, void *plain)
{
	const unsigned char *from = sealed;

	return !decrypt(plain, NULL, NULL, from + NONCE, n + TAG, key, WIRE_KEY, from, seal_secret);
}
