/* SPDX-License-Identifier: MIT */
#include "cli/figures.h"

#include "base/compiler.h"

static const struct figures_latency latencies[] = {
	{ "hit_latency", "time to answer a read from the cache (one in 64 is timed)",
	  "Latency of hits", offsetof(struct rawcache_stats, hit_latency) },
	{ "miss_latency", "time to answer a read that needed the origin", "Latency of misses",
	  offsetof(struct rawcache_stats, miss_latency) },
	{ "fill_latency", "time to read an extent from the origin and store it", "Latency of fills",
	  offsetof(struct rawcache_stats, fill_latency) },
};

const struct figures_latency *figures_latencies(size_t *count)
{
	*count = ARRAY_SIZE(latencies);
	return latencies;
}

uint64_t figures_samples(const struct rawcache_latency *latency)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++)
		n += latency->bucket[i];
	return n;
}

uint64_t figures_bucket_limit(size_t bucket)
{
	uint64_t low = UINT64_C(16) << (bucket / 2);

	return bucket % 2 ? low + low / 2 : low;
}

uint64_t figures_bypassed(const struct rawcache_stats *stats)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RAWCACHE_REASON_COUNT; i++)
		n += i == RAWCACHE_REASON_none ? 0 : rawcache_passthrough(stats, i);
	return n;
}

void figures_subtract(struct rawcache_stats *difference, const struct rawcache_stats *now,
		      const struct rawcache_stats *before)
{
	uint64_t *d = (uint64_t *)difference;
	const uint64_t *n = (const uint64_t *)now;
	const uint64_t *b = (const uint64_t *)before;

	for (size_t i = 0; i < sizeof(*difference) / sizeof(*d); i++)
		d[i] = n[i] > b[i] ? n[i] - b[i] : 0;
}

uint64_t figures_rate(uint64_t n, uint64_t ns)
{
	return ns ? (uint64_t)((double)n * 1e9 / (double)ns + 0.5) : 0;
}
