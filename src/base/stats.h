/* SPDX-License-Identifier: MIT */
/*
 * Counting. Every thread adds to a block of counters that only it writes (plain loads and stores, live in
 * shared memory). Threads for which no block is left share the process's block and add to it atomically.
 * core provides the blocks (stats_provider). Before a cache is attached, and in a fork child until it has
 * attached anew, counts go to a block in private memory that is added to the others later.
 */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <rawcache/stats.h>

#include "base/compiler.h"

#define STATS_WORDS (sizeof(struct rawcache_stats) / sizeof(uint64_t))

extern tls_initial struct rawcache_stats *stats_mine; /* NULL: the thread has no block of its own */

/* Add to a counter, given by its word number; first try to get the thread a block. */
void stats_add_slow(size_t word, uint64_t n);

static inline void stats_add_word(size_t word, uint64_t n)
{
	struct rawcache_stats *mine = stats_mine;
	uint64_t *counter;

	if (unlikely(!mine)) {
		stats_add_slow(word, n);
		return;
	}
	counter = (uint64_t *)mine + word;
	store_relaxed(counter, *counter + n);
}

#define stats_add(field, n) \
	stats_add_word(offsetof(struct rawcache_stats, field) / sizeof(uint64_t), n)

static inline void stats_bypass(enum rawcache_reason reason)
{
	size_t first = reason < RAWCACHE_REASONS_FIRST ?
			       offsetof(struct rawcache_stats, passthrough_first) :
			       offsetof(struct rawcache_stats, passthrough_later) -
				       RAWCACHE_REASONS_FIRST * sizeof(uint64_t);

	stats_add_word(first / sizeof(uint64_t) + reason, 1);
}

/* Count a duration in nanoseconds: stats_latency(hit_latency, ns). */
#define stats_latency(field, ns) \
	stats_add_word(offsetof(struct rawcache_stats, field) / sizeof(uint64_t) + \
			       stats_latency_bucket(ns), \
		       1)
size_t stats_latency_bucket(uint64_t ns);

/*
 * Where blocks come from. `thread` returns a zeroed block for the calling thread, or NULL; `release` takes
 * it back, with its numbers, when the thread ends; `shared` is the block of the process. NULL as provider
 * returns to private memory: when stats_set_provider() returns, no thread uses the last provider any more
 * except for the blocks that it gave out.
 */
struct stats_provider {
	struct rawcache_stats *(*thread)(void);
	void (*release)(struct rawcache_stats *block);
	struct rawcache_stats *shared;
};
void stats_set_provider(const struct stats_provider *provider);

/* Must be called once, before the first provider, and neither inside malloc() nor in a signal handler. */
void stats_init(void);

/* Return the calling thread's block, before its provider ends. */
void stats_release(void);

/*
 * From here on the calling thread has no block of its own: it may outlive the provider. It counts in the
 * process's block.
 */
void stats_share(void);

/* The calling thread's block does not belong to it any more. */
void stats_forget(void);

/* Call in a fork child: the provider and the blocks are its parent's. */
void stats_fork_child(void);

/* Add all of `from` to `to` with atomic additions. */
void stats_fold(struct rawcache_stats *to, const struct rawcache_stats *from);

/*
 * The same, leaving zeros behind, counter by counter: a process that is killed in the middle loses the
 * amount of at most one counter, and counts none twice.
 */
void stats_move(struct rawcache_stats *to, struct rawcache_stats *from);

#endif
