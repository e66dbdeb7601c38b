/* SPDX-License-Identifier: MIT */
/*
 * The index: buckets of seven entries in the mapped image. Readers take no lock: the bucket's sequence,
 * which is odd while an entry is replaced, tells them to read it again. Writers take one of the runtime's
 * index locks. An entry is empty, stale (its region was recycled) or live. The word `place` is stored last
 * and cleared first, so that a writer that is killed in the middle leaves an empty entry.
 */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include "core/shared/cache.h"
#include "core/image/key.h"

/*
 * As in the S3-FIFO paper: an extent counts at most this many visits, and each of them saves it from being
 * dropped once.
 */
#define VISITS_MAX 3

/* A copy of a live entry; every number is checked against the image's geometry. */
struct found {
	uint32_t page;
	uint32_t length;
	uint32_t generation; /* of the region, all 32 bits */
	uint32_t epoch; /* as in entries: the epoch of the store, or of the last verification */
	uint64_t checksum;
	uint64_t stored; /* seconds since 1970 */
	uint64_t number; /* of the entry, for the table of visits */
};

bool index_find(struct rawcache *cache, const struct key *key, struct found *found);

/*
 * Publish an extent whose bytes are completely written. The caller must pin the region. Replaces an entry
 * of the same key, else an empty or stale one, else the coldest. 0, or -errno: not published.
 */
int index_store(struct rawcache *cache, const struct key *key, uint32_t page, uint32_t length,
		uint32_t generation, uint64_t checksum);

/*
 * Let the entry point to `page`, where the caller has copied the verified bytes, in a region of
 * `generation` that it pins. The entry must still be the one that was found; it then counts as not visited.
 * 0; -ESTALE: it is another one; or -errno.
 */
int index_move(struct rawcache *cache, const struct key *key, const struct found *from,
	       uint32_t page, uint32_t generation);

/* Find the live entry of the extent that begins at `page`, by the table of page buckets. */
bool index_at(struct rawcache *cache, uint32_t page, struct key *key, struct found *found);

/* Note that the bytes of `found` were verified in this epoch. Does nothing if the entry has changed. */
void index_trust(struct rawcache *cache, const struct key *key, const struct found *found);

/*
 * Forget a key, if its entry still lies at found->page; with `found` NULL, wherever it lies. 0; -EAGAIN:
 * another process is stopped in the middle of a change; or -errno.
 */
int index_remove(struct rawcache *cache, const struct key *key, const struct found *found);

/* Clear all stale entries, before the 12 bits of their generations repeat. 0, or -errno: not all are cleared. */
int index_sweep(struct rawcache *cache);

/* Call `visit` for every live entry; it returns false to stop. */
void index_walk(struct rawcache *cache,
		bool (*visit)(void *arg, const struct key *key, const struct found *found),
		void *arg, uint64_t *stale, uint64_t *broken);

static inline bool index_visited(const struct rawcache *cache, uint64_t number)
{
	return load_relaxed(&cache->runtime.visits[number % cache->runtime.visits_count]);
}

/* How often the extent was visited, at most VISITS_MAX; 0 without a segment. */
static inline uint64_t index_visits(const struct rawcache *cache, uint64_t number)
{
	uint8_t visits;

	if (!cache->runtime.header)
		return 0;
	visits = load_relaxed(&cache->runtime.visits[number % cache->runtime.visits_count]);
	return visits < VISITS_MAX ? visits : VISITS_MAX;
}

/* Take one visit away, when an extent is moved or its region is kept. */
static inline void index_unvisit(struct rawcache *cache, uint64_t number)
{
	uint8_t *byte = &cache->runtime.visits[number % cache->runtime.visits_count];
	uint8_t visits = load_relaxed(byte);

	if (visits)
		store_relaxed(byte, (uint8_t)((visits < VISITS_MAX ? visits : VISITS_MAX) - 1));
}

static inline void index_visit(struct rawcache *cache, uint64_t number)
{
	uint8_t *byte;
	uint8_t visits;

	if (!cache->runtime.header || cache->runtime.read_only)
		return;
	byte = &cache->runtime.visits[number % cache->runtime.visits_count];
	visits = load_relaxed(byte);
	if (visits < VISITS_MAX)
		store_relaxed(byte, (uint8_t)(visits + 1));
}

#endif
