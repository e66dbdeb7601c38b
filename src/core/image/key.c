/* SPDX-License-Identifier: MIT */
#include "core/image/key.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct key key_from(XXH128_hash_t hash)
{
	return (struct key){ .low = hash.low64, .high = hash.high64 };
}

static void key_begin(XXH3_state_t *state, const struct superblock *sb, const char kind[8])
{
	/*
	 * XXH3 derives its secret only when a reset finds another seed in the state. A state on the stack
	 * may hold this seed from an earlier call while its secret has been overwritten since.
	 */
	XXH3_INITSTATE(state);
	XXH3_128bits_reset_withSeed(state, sb->key[0]);
	XXH3_128bits_update(state, &sb->key[1], 2 * sizeof(sb->key[1]));
	XXH3_128bits_update(state, kind, 8);
}

struct key key_of_file(const struct superblock *sb, const struct identity *identity)
{
	uint64_t numbers[] = {
		identity->origin[0],
		identity->origin[1],
		identity->inode,
		identity->size,
		(uint64_t)identity->mtime_sec,
		(uint64_t)identity->ctime_sec,
		(uint64_t)identity->mtime_nsec << 32 | identity->ctime_nsec,
	};
	XXH3_state_t state;

	key_begin(&state, sb, "file\0\0\0");
	XXH3_128bits_update(&state, numbers, sizeof(numbers));
	if (identity->subvolume)
		XXH3_128bits_update(&state, &identity->subvolume, sizeof(identity->subvolume));
	XXH3_128bits_update(&state, identity->path, strlen(identity->path));
	return key_from(XXH3_128bits_digest(&state));
}

/* The upper 32 bits of a key that choose the bucket `number` (as in key_bucket()). */
static uint64_t bucket_bits(uint64_t number, uint32_t bucket_count)
{
	return ((number << 32) + bucket_count - 1) / bucket_count;
}

struct key key_of_chunk(const struct superblock *sb, const struct key *file, uint64_t chunk)
{
	uint64_t numbers[] = { sb->key[1], sb->key[2], file->low, file->high, chunk };
	struct key key = key_from(XXH3_128bits_withSeed(numbers, sizeof(numbers), sb->key[0]));
	uint64_t bucket;

	if (!(sb->incompatible & FORMAT_NEIGHBOURS) || chunk >> 63)
		return key;
	bucket = (key_bucket(file, sb->bucket_count) + chunk / 2) % sb->bucket_count;
	key.high = bucket_bits(bucket, sb->bucket_count) << 32 | (uint32_t)key.high;
	return key;
}

struct key key_of_bytes(const struct superblock *sb, const void *bytes, uint64_t n)
{
	XXH3_state_t state;

	key_begin(&state, sb, "bytes\0\0");
	XXH3_128bits_update(&state, bytes, n);
	return key_from(XXH3_128bits_digest(&state));
}
