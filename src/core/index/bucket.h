/* SPDX-License-Identifier: MIT */
/*
 * Changing buckets: up to two of them at a time, each under its index lock, with signals held
 * back. The locks are taken in the order of their numbers. A bucket's sequence is odd while it is
 * changed; a process that is killed there leaves it odd, readers then miss, and the next process that opens the
 * bucket sets it right.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include "base/critical.h"
#include "core/index/entry.h"

struct bucket_side {
	struct bucket *bucket; /* NULL: there is no such side */
	uint32_t number;
	bool odd; /* by us */
};

struct bucket_change {
	struct critical critical;
	pthread_mutex_t *lock[2]; /* the second may be NULL */
	struct bucket_side side[2];
};

/*
 * Open bucket `first`, and `second` if it is another one. 0; -EROFS; or -errno of the lock: nothing
 * is open then.
 */
int bucket_open(struct rawcache *cache, uint32_t first, uint32_t second,
		struct bucket_change *change);

/* Before a store to a side: from here on readers look again. */
void bucket_begin(struct bucket_side *side);

void bucket_close(struct bucket_change *change);

/* Both buckets that an entry of the key may be in: the first side is the key's bucket. */
int bucket_open_key(struct rawcache *cache, const struct key *key, struct bucket_change *change);

/*
 * The first entry of the key: its number in its side, or -1. `side` says where to begin, and is set
 * to where it is.
 */
int bucket_find(const struct rawcache *cache, const struct bucket_change *change,
		const struct key *key, int *side);

/* Write entry `i` of an open side, its place last. The side is begun. */
void entry_put(struct rawcache *cache, struct bucket_side *side, int i, const struct entry *new,
	       bool displaced);

/*
 * Move an entry of bucket `number`, or of the key's other one, out of the way, to the other bucket
 * of that entry, so that one of the two has room. False: none can be moved. No bucket is open.
 */
bool bucket_relieve(struct rawcache *cache, const struct key *key);

#endif
