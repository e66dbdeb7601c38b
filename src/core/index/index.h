/* SPDX-License-Identifier: MIT */
/*
 * The index: buckets of seven entries in the mapped image. Readers take no lock: the bucket's
 * sequence, odd while an entry is replaced, tells them to read it again. Writers take one of
 * the runtime's index locks. An entry is empty, stale (its region was recycled) or live; the
 * place word is stored last and cleared first, so that a writer killed in the middle leaves an
 * empty entry.
 */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include "core/shared/cache.h"
#include "core/image/key.h"

/* As in the S3-FIFO paper: an extent counts at most so many visits, and each saves it from being dropped once. */
#define VISITS_MAX 3

/* A live entry as it was found, every number checked against the image's geometry. */
struct found {
	uint32_t page;
	uint32_t length;
	uint32_t generation; /* of the region, all 32 bits */
	uint32_t epoch;	     /* as in entries: of the store or of the last verification */
	uint64_t checksum;
	uint64_t stored; /* seconds since 1970 */
	uint64_t number; /* of the entry, for `visited` */
};

bool index_find(struct rawcache *cache, const struct key *key, struct found *found);

/*
 * Publish bytes that are completely written. The caller pins the region. Replaces an entry of
 * the same key, else an empty or stale one, else the coldest. 0 or -errno (not published).
 */
int index_store(struct rawcache *cache, const struct key *key, uint32_t page, uint32_t length,
		uint32_t generation, uint64_t checksum);

/*
 * The caller has copied the verified bytes to `page`, in a region of `generation` that it pins. Change the
 * entry if it still is the one that was found; it then counts as not visited. 0, -ESTALE (it is another one),
 * or -errno.
 */
int index_move(struct rawcache *cache, const struct key *key, const struct found *from,
	       uint32_t page, uint32_t generation);

/* The live entry of the extent that begins at `page`, by the table of homes. */
bool index_at(struct rawcache *cache, uint32_t page, struct key *key, struct found *found);

/* The bytes of `found` were verified in this epoch. Does nothing if the entry has changed. */
void index_trust(struct rawcache *cache, const struct key *key, const struct found *found);

/*
 * Forget a key, if its entry still lies at found->page (or wherever, with found NULL). 0, or -errno:
 * -EAGAIN another process is stopped in the middle of a change.
 */
int index_remove(struct rawcache *cache, const struct key *key, const struct found *found);

/* Clear all stale entries, before the 12 bits of their generations repeat. 0, or -errno: not all are cleared. */
int index_sweep(struct rawcache *cache);

/* Look at every entry: calls `visit` for the live ones; returning false stops. */
void index_walk(struct rawcache *cache,
		bool (*visit)(void *arg, const struct key *key, const struct found *found),
		void *arg, uint64_t *stale, uint64_t *broken);

static inline bool index_visited(const struct rawcache *cache, uint64_t number)
{
	return load_relaxed(&cache->runtime.visited[number % cache->runtime.visited_count]);
}

/* How often, VISITS_MAX at most; 0 without a segment. */
static inline uint64_t index_visits(const struct rawcache *cache, uint64_t number)
{
	uint8_t visits;

	if (!cache->runtime.header)
		return 0;
	visits = load_relaxed(&cache->runtime.visited[number % cache->runtime.visited_count]);
	return visits < VISITS_MAX ? visits : VISITS_MAX;
}

/* Take one visit away, when an extent is moved or its region is kept. */
static inline void index_unvisit(struct rawcache *cache, uint64_t number)
{
	uint8_t *visited = &cache->runtime.visited[number % cache->runtime.visited_count];
	uint8_t visits = load_relaxed(visited);

	if (visits)
		store_relaxed(visited, (uint8_t)((visits < VISITS_MAX ? visits : VISITS_MAX) - 1));
}

static inline void index_visit(struct rawcache *cache, uint64_t number)
{
	uint8_t *visited;
	uint8_t visits;

	if (!cache->runtime.header || cache->runtime.read_only)
		return;
	visited = &cache->runtime.visited[number % cache->runtime.visited_count];
	visits = load_relaxed(visited);
	if (visits < VISITS_MAX)
		store_relaxed(visited, (uint8_t)(visits + 1));
}

#endif
