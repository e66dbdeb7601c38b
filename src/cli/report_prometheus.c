/* SPDX-License-Identifier: MIT */
/*
 * Durations are histograms without a sum, which is not counted. Every second bucket is written, so that the
 * limits are powers of two. In OpenMetrics a histogram without a sum has no count either, and counters have
 * the time since which they count: when the image was made.
 */
#include <stdio.h>
#include <string.h>

#include "cli/figures.h"
#include "cli/report.h"

struct metrics {
	FILE *out;
	bool open;	  /* OpenMetrics */
	uint64_t created; /* seconds since 1970 */
};

static void heading(const struct metrics *m, const char *name, const char *suffix, const char *type,
		    const char *text)
{
	fprintf(m->out, "# HELP rawcache_%s%s %s\n", name, suffix, text);
	fprintf(m->out, "# TYPE rawcache_%s%s %s\n", name, suffix, type);
}

static void gauge(const struct metrics *m, const char *name, const char *text, uint64_t value)
{
	heading(m, name, "", "gauge", text);
	fprintf(m->out, "rawcache_%s %llu\n", name, (unsigned long long)value);
}

/* The name of a family of counters has the suffix in the older format only. */
static void counter_heading(const struct metrics *m, const char *name, const char *text)
{
	heading(m, name, m->open ? "" : "_total", "counter", text);
}

static void created_print(const struct metrics *m, const char *name, const char *labels)
{
	if (m->open)
		fprintf(m->out, "rawcache_%s_created%s %llu\n", name, labels,
			(unsigned long long)m->created);
}

/* Prometheus counts time in seconds: a counter of microseconds is told so. */
static void counter_print(const struct metrics *m, const struct rawcache_counter *counter,
			  const struct rawcache_stats *stats)
{
	size_t n = strlen(counter->name);
	bool us = n > 3 && !strcmp(counter->name + n - 3, "_us");
	uint64_t value = figure(stats, counter);
	char name[80];

	snprintf(name, sizeof(name), "%.*s%s", (int)(us ? n - 3 : n), counter->name,
		 us ? "_seconds" : "");
	counter_heading(m, name, counter->text);
	if (us)
		fprintf(m->out, "rawcache_%s_total %.6f\n", name, (double)value / 1e6);
	else
		fprintf(m->out, "rawcache_%s_total %llu\n", name, (unsigned long long)value);
	created_print(m, name, "");
}

static void counters_expose(const struct metrics *m, const struct rawcache_stats *stats)
{
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);

	for (size_t i = 0; i < count; i++)
		counter_print(m, &counters[i], stats);
}

static void passthrough_expose(const struct metrics *m, const struct rawcache_stats *stats)
{
	char labels[64];

	counter_heading(m, "passthrough", "reads and opens that went past the cache");
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++) {
		if (i == RAWCACHE_REASON_none)
			continue;
		snprintf(labels, sizeof(labels), "{reason=\"%s\"}", rawcache_reason_name(i));
		fprintf(m->out, "rawcache_passthrough_total%s %llu\n", labels,
			(unsigned long long)rawcache_passthrough(stats, i));
		created_print(m, "passthrough", labels);
	}
}

static void histogram_print(const struct metrics *m, const struct figures_latency *latency,
			    const struct rawcache_latency *histogram)
{
	char name[64];
	uint64_t below = 0;

	snprintf(name, sizeof(name), "%s_seconds", latency->name);
	heading(m, name, "", "histogram", latency->text);
	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++) {
		below += histogram->bucket[i];
		if (i % 2 == 0 && i + 1 < RAWCACHE_LATENCY_BUCKETS)
			fprintf(m->out, "rawcache_%s_bucket{le=\"%.9g\"} %llu\n", name,
				(double)figures_bucket_limit(i) / 1e9, (unsigned long long)below);
	}
	fprintf(m->out, "rawcache_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)below);
	if (!m->open)
		fprintf(m->out, "rawcache_%s_count %llu\n", name, (unsigned long long)below);
	created_print(m, name, "");
}

void report_prometheus(FILE *out, const struct sample *sample, bool open)
{
	const struct metrics m = { out, open, sample->image.created };
	size_t count;
	const struct figures_latency *latencies = figures_latencies(&count);

	gauge(&m, "up", "whether the image can be used", 1);
	gauge(&m, "image_size_bytes", "size of the image", sample->image.size);
	gauge(&m, "processes", "processes that use the image now", sample->count);
	counters_expose(&m, &sample->total);
	passthrough_expose(&m, &sample->total);
	for (size_t i = 0; i < count; i++)
		histogram_print(&m, &latencies[i],
				figures_histogram(&sample->total, &latencies[i]));
	if (sample->server_count)
		report_tier_prometheus(out, sample, open);
	if (open)
		fputs("# EOF\n", out);
}

void report_prometheus_down(FILE *out, enum rawcache_reason reason, bool open)
{
	const struct metrics m = { .out = out, .open = open };

	gauge(&m, "up", "whether the image can be used", 0);
	heading(&m, "refused", "", "gauge", "why the image cannot be used");
	fprintf(out, "rawcache_refused{reason=\"%s\"} 1\n", rawcache_reason_name(reason));
	if (open)
		fputs("# EOF\n", out);
}
