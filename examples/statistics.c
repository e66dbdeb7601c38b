/* SPDX-License-Identifier: MIT */
/*
 * What a cache has done: statistics IMAGE
 *
 * Prints each counter that is not 0, how long a hit takes at most, nine times of ten, and the processes that use the
 * image now. Holds no slot, so that it can look at a cache which all slots of are taken.
 *
 *	cc statistics.c $(pkg-config --cflags --libs librawcache) -o statistics
 */
#include <inttypes.h>
#include <stdio.h>

#include <rawcache/rawcache.h>

#define ROWS 64

static void counters_print(const struct rawcache_stats *stats)
{
	const struct rawcache_counter *counter;
	size_t count;

	counter = rawcache_counters(&count);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = *(const uint64_t *)((const char *)stats + counter[i].offset);

		if (value)
			printf("%-20s %" PRIu64 " %s\n", counter[i].name, value, counter[i].unit);
	}
	for (unsigned int reason = 0; reason < RAWCACHE_REASON_COUNT; reason++)
		if (rawcache_passthrough(stats, reason))
			printf("past the cache, %s: %" PRIu64 "\n", rawcache_reason_text(reason),
			       rawcache_passthrough(stats, reason));
}

static void processes_print(struct rawcache *cache)
{
	static struct rawcache_process rows[ROWS];
	int count = rawcache_stats_processes(cache, rows, sizeof(rows[0]), ROWS);

	for (int i = 0; i < count && i < ROWS; i++)
		printf("process %u, %s: %" PRIu64 " hits\n", rows[i].pid, rows[i].command,
		       rows[i].stats.hits);
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache_stats stats;
	struct rawcache *cache;

	if (argc != 2) {
		fprintf(stderr, "usage: statistics IMAGE\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	options.read_only = 1;
	if (rawcache_attach(&options, &cache, &reason)) {
		fprintf(stderr, "statistics: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	rawcache_stats_total(cache, &stats, sizeof(stats));
	counters_print(&stats);
	printf("hits of ten, nine take less than %" PRIu64 " ns\n",
	       rawcache_latency_percentile(&stats.hit_latency, 90));
	processes_print(cache);
	rawcache_detach(cache);
	return 0;
}
