/* SPDX-License-Identifier: MIT */
/*
 * Entries and buckets of the index: their words and what they mean. Nothing here takes a lock.
 *
 * An entry lies in the bucket of its key or, in images with FORMAT_DISPLACED, in the key's other bucket.
 * The number of the other bucket follows from the first and the tag; the same step leads back. A bit of the
 * bucket tells in which of the two an entry lies, so that all bits of its key are known.
 */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include "base/compiler.h"
#include "core/image/image.h"
#include "core/index/index.h"

enum entry_state { ENTRY_EMPTY, ENTRY_STALE, ENTRY_BROKEN, ENTRY_LIVE };

/* Make the word `place`; `opened` (of the region) and `stored` are seconds since 1970. */
uint64_t place_encode(uint32_t length, uint32_t generation, uint32_t epoch, uint64_t opened,
		      uint64_t stored);

/*
 * Decode an entry, which may hold any bits: an entry that does not fit the geometry is not live. For a live
 * entry, all fields of `found` but `number` are set.
 */
enum entry_state entry_decode(const struct image *image, const struct entry *entry,
			      struct found *found);

/* Copy an entry. Its words belong together only if the bucket's sequence says so. */
struct entry entry_load(const struct entry *entry);

/* Empty an entry. A process that is killed in the middle leaves an empty entry. */
void entry_clear(struct entry *entry);

/* Whether a bucket has an entry of this state. Without the lock the answer is a hint. */
bool bucket_has(const struct image *image, const struct bucket *bucket, enum entry_state state);

/* The number of an entry of the bucket that is not live, or -1. */
int bucket_free(const struct image *image, const struct bucket *bucket);

static inline bool entry_has_key(const struct entry *entry, const struct key *key)
{
	return load_relaxed(&entry->tag_low) == key->low &&
	       load_relaxed(&entry->tag_high) == (uint32_t)key->high;
}

/* The other bucket in which an entry of this tag in bucket `number` may lie; perhaps the same. */
static inline uint32_t bucket_other(const struct image *image, uint32_t number, uint64_t tag_low)
{
	uint64_t count = image->sb.bucket_count;
	uint64_t sum = (tag_low >> 32) * count >> 32;

	return (uint32_t)(sum >= number ? sum - number : sum + count - number);
}

static inline bool image_displaces(const struct image *image)
{
	return image->sb.incompatible & FORMAT_DISPLACED;
}

/* Whether entry `i` lies in its key's other bucket. */
static inline bool entry_displaced(const struct image *image, const struct bucket *bucket, int i)
{
	return image_displaces(image) && load_relaxed(&bucket->displaced) >> i & 1;
}

static inline uint8_t *visits_of(const struct rawcache *cache, uint32_t number, int i)
{
	uint64_t n = (uint64_t)number * BUCKET_ENTRIES + (uint64_t)i;

	return &cache->runtime.visits[n % cache->runtime.visits_count];
}

#endif
