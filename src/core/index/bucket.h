/* SPDX-License-Identifier: MIT */
/*
 * Changing buckets: at most two at a time, each under its index lock, with signals held back. The locks are
 * taken in the order of their numbers. A bucket's sequence is odd while it is changed. A process that is
 * killed meanwhile leaves it odd: readers then miss, and the next process that opens the bucket mends it.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include "base/critical.h"
#include "core/index/entry.h"

struct bucket_side {
	struct bucket *bucket; /* NULL: there is no such side */
	uint32_t number;
	bool odd; /* made odd by this change */
};

struct bucket_change {
	struct critical critical;
	pthread_mutex_t *lock[2]; /* the second may be NULL */
	struct bucket_side side[2];
};

/*
 * Open bucket `first`, and `second` if it is another one. 0; -EROFS; or -errno of the lock: then nothing is
 * open.
 */
int bucket_open(struct rawcache *cache, uint32_t first, uint32_t second,
		struct bucket_change *change);

/* Must be called before a store to a side: readers that overlap with it read again. */
void bucket_begin(struct bucket_side *side);

void bucket_close(struct bucket_change *change);

/* Open both buckets in which an entry of the key may be. The first side is the key's own bucket. */
int bucket_open_key(struct rawcache *cache, const struct key *key, struct bucket_change *change);

/*
 * Find the first entry of the key: returns its number in its side, or -1. The search begins at *side, which
 * is set to the side where it is.
 */
int bucket_find(const struct rawcache *cache, const struct bucket_change *change,
		const struct key *key, int *side);

/* Write entry `i` of an open side, its place last. bucket_begin() was called for the side. */
void entry_put(struct rawcache *cache, struct bucket_side *side, int i, const struct entry *new,
	       bool displaced);

/*
 * Make room in bucket `number` or in the key's other bucket, by moving an entry to the other bucket of that
 * entry. Returns false if none can be moved. The caller must have no bucket open.
 */
bool bucket_relieve(struct rawcache *cache, const struct key *key);

#endif
