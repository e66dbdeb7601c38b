/* SPDX-License-Identifier: MIT */
/*
 * Statistics of a cache: what they are, and how to read them.
 *
 * Every process that uses a cache counts live in a slot of the runtime segment; when it ends,
 * however it ends, its numbers are folded into the totals kept in the image.
 */
#ifndef RAWCACHE_STATS_H
#define RAWCACHE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Why something went past the cache, or why an attachment failed. */
enum rawcache_reason {
#define REASON(name, text) RAWCACHE_REASON_##name,
#include <rawcache/reason_tbl.h>
#undef REASON
	RAWCACHE_REASON_COUNT
};

/*
 * A latency histogram, two buckets an octave: bucket i counts durations that are below its
 * limit and fall into no earlier bucket. The limits are 16, 24, 32, 48, 64, 96, ... ns; the
 * last bucket takes the rest.
 */
#define RAWCACHE_LATENCY_BUCKETS 56

/* Counts of samples. */
struct rawcache_latency {
	uint64_t bucket[RAWCACHE_LATENCY_BUCKETS];
};

/* The number of reasons that version 0.1.0 had: they have their place in the image for ever. */
#define RAWCACHE_REASONS_FIRST 24
/* The most reasons that there can be: what follows them in the totals of an image keeps its place. */
#define RAWCACHE_REASONS_MAX 64

/*
 * All counters only grow. The struct is an array of uint64_t without padding, and the layout of the totals
 * in an image: what has a place keeps it for ever. New counters are appended to the second part of
 * stats_tbl.h, new reasons to reason_tbl.h; programs built with a shorter struct go on reading theirs.
 */
struct rawcache_stats {
#define STAT(name, unit, text) uint64_t name;
#define STATS_PART 1
#include <rawcache/stats_tbl.h>
#undef STATS_PART
	uint64_t passthrough_first[RAWCACHE_REASONS_FIRST]; /* see rawcache_passthrough() */
	struct rawcache_latency hit_latency;		    /* one hit in 64 is timed */
	struct rawcache_latency miss_latency;
	struct rawcache_latency fill_latency;
	uint64_t passthrough_later[RAWCACHE_REASONS_MAX - RAWCACHE_REASONS_FIRST];
#define STATS_PART 2
#include <rawcache/stats_tbl.h>
#undef STATS_PART
#undef STAT
};

/* Returns how often a read or an open went past the cache for this reason; 0 for a number that is none. */
static inline uint64_t rawcache_passthrough(const struct rawcache_stats *stats, unsigned int reason)
{
	if (reason < RAWCACHE_REASONS_FIRST)
		return stats->passthrough_first[reason];
	return reason < RAWCACHE_REASONS_MAX ?
		       stats->passthrough_later[reason - RAWCACHE_REASONS_FIRST] :
		       0;
}

/* One plain counter of struct rawcache_stats, for programs that print them all. */
struct rawcache_counter {
	const char *name;
	const char *unit;
	const char *text;
	size_t offset; /* of the uint64_t inside struct rawcache_stats */
};

/*
 * List the counters.
 *
 * @count: gets their number
 *
 * Returns them in the order of the struct. Static storage.
 */
const struct rawcache_counter *rawcache_counters(size_t *count);

/* Returns the name of a reason, as in JSON; "unknown" for a number that is none. Static storage. */
const char *rawcache_reason_name(unsigned int reason);

/* Returns a sentence for users that explains the reason; "unknown" for a number that is none. Static storage. */
const char *rawcache_reason_text(unsigned int reason);

/*
 * Find a percentile of a histogram.
 *
 * @percent: 0 to 100
 *
 * Returns the duration in nanoseconds below which so many of the samples lie: the limit of a bucket; 0 for an
 * empty histogram.
 */
uint64_t rawcache_latency_percentile(const struct rawcache_latency *latency, double percent);

/* A process that is using the cache now. */
struct rawcache_process {
	uint32_t pid;	   /* in the process's own pid namespace */
	uint32_t slot;	   /* its slot in the runtime segment */
	uint64_t attached; /* seconds since the epoch */
	char command[16];  /* NUL-terminated */
	struct rawcache_stats stats;
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
