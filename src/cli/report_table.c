/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/text.h"

const char *report_detach(enum rawcache_detach detach)
{
	switch (detach) {
	case RAWCACHE_DETACH_ZERO_RANGE:
		return "zero-range";
	case RAWCACHE_DETACH_PUNCH_HOLE:
		return "punch-hole";
	case RAWCACHE_DETACH_NONE:
		break;
	}
	return "none";
}

static void bytes_cell(struct table *table, uint64_t bytes, const struct report_style *style)
{
	char text[TEXT_LENGTH];

	if (style->exact)
		table_cell(table, "%llu", (unsigned long long)bytes);
	else
		table_cell(table, "%s", text_bytes(bytes, text));
}

/* --- the image */

static void fact(struct table *table, const char *name, const char *value)
{
	table_line(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", value);
}

static void fact_bytes(struct table *table, const char *name, uint64_t bytes,
		       const struct report_style *style)
{
	table_line(table);
	table_cell(table, "%s", name);
	bytes_cell(table, bytes, style);
}

static void fact_number(struct table *table, const char *name, uint64_t number)
{
	table_line(table);
	table_cell(table, "%s", name);
	table_cell(table, "%llu", (unsigned long long)number);
}

static void image_probes(struct table *table, const struct rawcache_image_info *info)
{
	fact(table, "page detaching",
	     info->detach == RAWCACHE_DETACH_NONE ? "none: this file system cannot" :
						    report_detach(info->detach));
	fact(table, "O_DIRECT", info->direct ? "yes" : "no");
	fact(table, "sendfile", info->sendfile ? "yes" : "no: bytes are copied instead");
}

int report_image(const char *path, const struct rawcache_image_info *info, bool used,
		 const struct report_style *style)
{
	static const struct table_column columns[] = { { "NAME", TABLE_LEFT },
						       { "VALUE", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), false);
	char text[TEXT_LENGTH];

	fact(table, info->block_device ? "block device" : "image file", path);
	fact(table, "uuid", info->uuid);
	fact(table, "created", text_time(info->created, text));
	fact_number(table, "format version", info->version);
	fact_bytes(table, "size", info->size, style);
	if (used) {
		fact_bytes(table, "used", info->used_bytes, style);
		fact_number(table, "used entries", info->used_entries);
	}
	fact_number(table, "index entries", info->index_entries);
	fact_number(table, "regions", info->region_count);
	fact_bytes(table, "region size", info->region_size, style);
	fact_bytes(table, "chunk size", info->chunk_size, style);
	fact_number(table, "boots", info->epoch);
	fact(table, "runtime segment", info->runtime);
	image_probes(table, info);
	return table_print(table);
}

/* --- totals */

/* Counters of a part that must be switched on are shown once they have counted something. */
static bool counter_shown(const struct rawcache_counter *counter, uint64_t value)
{
	static const char *const parts[] = { "tier_", "names_", "frozen_", "opens_frozen",
					     "opens_late" };

	for (size_t i = 0; !value && i < ARRAY_SIZE(parts); i++)
		if (!strncmp(counter->name, parts[i], strlen(parts[i])))
			return false;
	return true;
}

static int counters_print(const struct rawcache_stats *stats, const struct report_style *style)
{
	static const struct table_column columns[] = { { "COUNTER", TABLE_LEFT },
						       { "VALUE", TABLE_RIGHT },
						       { "UNIT", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), true);
	char text[TEXT_LENGTH];
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);

	for (size_t i = 0; i < count; i++) {
		uint64_t value = figure(stats, &counters[i]);

		if (!counter_shown(&counters[i], value))
			continue;
		table_line(table);
		table_cell(table, "%s", counters[i].name);
		if (!strcmp(counters[i].unit, "bytes"))
			bytes_cell(table, value, style);
		else
			table_cell(table, "%llu", (unsigned long long)value);
		table_cell(table, "%s", counters[i].unit);
	}
	table_line(table);
	table_cell(table, "hit ratio");
	table_cell(table, "%s", text_ratio(stats->hits, stats->misses, text));
	table_cell(table, "of reads");
	table_line(table);
	table_cell(table, "byte hit ratio");
	table_cell(table, "%s",
		   text_ratio(figures_from_cache(stats), figures_from_origin(stats), text));
	table_cell(table, "of bytes, those of mappings too");
	return table_print(table);
}

static int latencies_print(const struct rawcache_stats *stats)
{
	static const struct table_column columns[] = { { "LATENCY", TABLE_LEFT },
						       { "SAMPLES", TABLE_RIGHT },
						       { "P50", TABLE_RIGHT },
						       { "P90", TABLE_RIGHT },
						       { "P99", TABLE_RIGHT } };
	static const double percents[] = { 50, 90, 99 };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), true);
	char text[TEXT_LENGTH];
	size_t count;
	const struct figures_latency *latencies = figures_latencies(&count);

	for (size_t i = 0; i < count; i++) {
		const struct rawcache_latency *histogram = figures_histogram(stats, &latencies[i]);
		uint64_t samples = figures_samples(histogram);

		table_line(table);
		table_cell(table, "%s", latencies[i].name);
		table_cell(table, "%llu", (unsigned long long)samples);
		for (size_t p = 0; p < ARRAY_SIZE(percents); p++)
			table_cell(table, "%s",
				   samples ? text_duration(rawcache_latency_percentile(histogram,
										       percents[p]),
							   text) :
					     "-");
	}
	return table_print(table);
}

static int passthrough_print(const struct rawcache_stats *stats)
{
	static const struct table_column columns[] = { { "PASSTHROUGH", TABLE_LEFT },
						       { "VALUE", TABLE_RIGHT },
						       { "WHY", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), true);

	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++) {
		if (i == RAWCACHE_REASON_none || !rawcache_passthrough(stats, i))
			continue;
		table_line(table);
		table_cell(table, "%s", rawcache_reason_name(i));
		table_cell(table, "%llu", (unsigned long long)rawcache_passthrough(stats, i));
		table_cell(table, "%s", rawcache_reason_text(i));
	}
	return table_print(table);
}

int report_totals(const struct sample *sample, const struct report_style *style)
{
	int status = counters_print(&sample->total, style);

	if (status != STATUS_OK)
		return status;
	putchar('\n');
	status = latencies_print(&sample->total);
	if (status == STATUS_OK && figures_bypassed(&sample->total)) {
		putchar('\n');
		status = passthrough_print(&sample->total);
	}
	if (status != STATUS_OK || !sample->server_count)
		return status;
	putchar('\n');
	return report_tier_table(sample);
}

/* --- processes */

static void process_line(struct table *table, const struct rawcache_process *process,
			 const struct report_style *style)
{
	const struct rawcache_stats *stats = &process->stats;
	char text[TEXT_LENGTH];

	table_line(table);
	table_cell(table, "%u", process->pid);
	table_cell(table, "%s", process->command);
	table_cell(table, "%s", text_time(process->attached, text));
	table_cell(table, "%llu", (unsigned long long)stats->hits);
	table_cell(table, "%llu", (unsigned long long)stats->misses);
	table_cell(table, "%s", text_ratio(stats->hits, stats->misses, text));
	bytes_cell(table, figures_from_cache(stats), style);
	bytes_cell(table, stats->origin_bytes, style);
	table_cell(table, "%llu", (unsigned long long)figures_bypassed(stats));
}

int report_processes(const struct sample *sample, const struct report_style *style)
{
	static const struct table_column columns[] = {
		{ "PID", TABLE_RIGHT },	  { "COMMAND", TABLE_LEFT }, { "SINCE", TABLE_LEFT },
		{ "HITS", TABLE_RIGHT },  { "MISSES", TABLE_RIGHT }, { "RATIO", TABLE_RIGHT },
		{ "CACHE", TABLE_RIGHT }, { "ORIGIN", TABLE_RIGHT }, { "PAST", TABLE_RIGHT },
	};
	struct table *table;

	if (!sample->count) {
		puts("no process uses the image now");
		return STATUS_OK;
	}
	table = table_new(columns, ARRAY_SIZE(columns), true);
	for (size_t i = 0; i < sample->count; i++)
		process_line(table, &sample->processes[i], style);
	return table_print(table);
}

/* --- what there is to count */

static void list_line(struct table *table, const char *name, const char *unit, const char *text)
{
	table_line(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", unit);
	table_cell(table, "%s", text);
}

int report_list(void)
{
	static const struct table_column columns[] = { { "NAME", TABLE_LEFT },
						       { "UNIT", TABLE_LEFT },
						       { "DESCRIPTION", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), true);
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);
	const struct figures_latency *latencies;
	char name[64];

	for (size_t i = 0; i < count; i++)
		list_line(table, counters[i].name, counters[i].unit, counters[i].text);
	latencies = figures_latencies(&count);
	for (size_t i = 0; i < count; i++)
		list_line(table, latencies[i].name, "ns", latencies[i].text);
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++) {
		if (i == RAWCACHE_REASON_none)
			continue;
		snprintf(name, sizeof(name), "passthrough.%s", rawcache_reason_name(i));
		list_line(table, name, "calls", rawcache_reason_text(i));
	}
	return table_print(table);
}
