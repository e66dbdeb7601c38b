/* SPDX-License-Identifier: MIT */
/*
 * Durations are histograms without a sum, which nobody keeps: every second bucket, so that the
 * limits are powers of two.
 */
#include <stdio.h>

#include "cli/figures.h"
#include "cli/report.h"

static void heading(const char *name, const char *suffix, const char *type, const char *text)
{
	printf("# HELP rawcache_%s%s %s\n", name, suffix, text);
	printf("# TYPE rawcache_%s%s %s\n", name, suffix, type);
}

static void gauge(const char *name, const char *text, uint64_t value)
{
	heading(name, "", "gauge", text);
	printf("rawcache_%s %llu\n", name, (unsigned long long)value);
}

static void counters_print(const struct rawcache_stats *stats)
{
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);

	for (size_t i = 0; i < count; i++) {
		heading(counters[i].name, "_total", "counter", counters[i].text);
		printf("rawcache_%s_total %llu\n", counters[i].name,
		       (unsigned long long)figure(stats, &counters[i]));
	}
}

static void passthrough_print(const struct rawcache_stats *stats)
{
	heading("passthrough", "_total", "counter", "reads and opens that went past the cache");
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (i != RAWCACHE_REASON_none)
			printf("rawcache_passthrough_total{reason=\"%s\"} %llu\n",
			       rawcache_reason_name(i), (unsigned long long)rawcache_passthrough(stats, i));
}

static void histogram_print(const struct figures_latency *latency,
			    const struct rawcache_latency *histogram)
{
	uint64_t below = 0;

	heading(latency->name, "_seconds", "histogram", latency->text);
	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++) {
		below += histogram->bucket[i];
		if (i % 2 == 0 && i + 1 < RAWCACHE_LATENCY_BUCKETS)
			printf("rawcache_%s_seconds_bucket{le=\"%.9g\"} %llu\n", latency->name,
			       (double)figures_bucket_limit(i) / 1e9, (unsigned long long)below);
	}
	printf("rawcache_%s_seconds_bucket{le=\"+Inf\"} %llu\n", latency->name,
	       (unsigned long long)below);
	printf("rawcache_%s_seconds_count %llu\n", latency->name, (unsigned long long)below);
}

void report_prometheus(const struct sample *sample)
{
	size_t count;
	const struct figures_latency *latencies = figures_latencies(&count);

	gauge("image_size_bytes", "size of the image", sample->image.size);
	gauge("processes", "processes that use the image now", sample->count);
	counters_print(&sample->total);
	passthrough_print(&sample->total);
	for (size_t i = 0; i < count; i++)
		histogram_print(&latencies[i], figures_histogram(&sample->total, &latencies[i]));
}
