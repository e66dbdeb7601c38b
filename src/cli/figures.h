/* SPDX-License-Identifier: MIT */
/* Figures: what the outputs of statistics share, computed from struct rawcache_stats. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <rawcache/stats.h>

static inline uint64_t figure(const struct rawcache_stats *stats,
			      const struct rawcache_counter *counter)
{
	return *(const uint64_t *)((const char *)stats + counter->offset);
}

/* The histograms, as a list. */
struct figures_latency {
	const char *name, *text, *title;
	size_t offset; /* of the struct rawcache_latency inside struct rawcache_stats */
};
const struct figures_latency *figures_latencies(size_t *count);

static inline const struct rawcache_latency *figures_histogram(
	const struct rawcache_stats *stats, const struct figures_latency *latency)
{
	return (const struct rawcache_latency *)((const char *)stats + latency->offset);
}

uint64_t figures_samples(const struct rawcache_latency *latency);

/* The upper limit of a bucket in nanoseconds, as <rawcache/stats.h> defines it. */
uint64_t figures_bucket_limit(size_t bucket);

/* Bytes that programs had from the cache, and those for which they waited at the origin; those of mappings are in. */
static inline uint64_t figures_from_cache(const struct rawcache_stats *stats)
{
	return stats->hit_bytes + stats->mapped_bytes;
}

static inline uint64_t figures_from_origin(const struct rawcache_stats *stats)
{
	return stats->miss_bytes + stats->mapped_origin_bytes;
}

static inline uint64_t figures_mapped(const struct rawcache_stats *stats)
{
	return stats->mapped_bytes + stats->mapped_origin_bytes;
}

/* All reasons but "none". */
uint64_t figures_bypassed(const struct rawcache_stats *stats);

/* *difference = now - before; 0 for a counter that went back because the image was made anew. */
void figures_subtract(struct rawcache_stats *difference, const struct rawcache_stats *now,
		      const struct rawcache_stats *before);

/* Counted in `ns` nanoseconds, per second. */
uint64_t figures_rate(uint64_t n, uint64_t ns);

#endif
