/* SPDX-License-Identifier: MIT */
#include "cli/figures.h"
#include "cli/report.h"

/* Goes up when a member changes its meaning or goes; new ones do not count. */
#define REPORT_VERSION 1

static void image_members(struct json *json, const char *path,
			  const struct rawcache_image_info *info, bool used)
{
	json_string(json, "path", path);
	json_string(json, "uuid", info->uuid);
	json_string(json, "runtime", info->runtime);
	json_number(json, "version", info->version);
	json_number(json, "size", info->size);
	json_number(json, "data_offset", info->data_offset);
	json_number(json, "index_offset", info->index_offset);
	json_number(json, "region_size", info->region_size);
	json_number(json, "region_count", info->region_count);
	json_number(json, "chunk_size", info->chunk_size);
	json_number(json, "index_entries", info->index_entries);
	json_number(json, "created", info->created);
	json_number(json, "epoch", info->epoch);
	json_string(json, "detach", report_detach(info->detach));
	json_boolean(json, "direct", info->direct);
	json_boolean(json, "sendfile", info->sendfile);
	json_boolean(json, "block_device", info->block_device);
	if (!used)
		return;
	json_number(json, "used_entries", info->used_entries);
	json_number(json, "used_bytes", info->used_bytes);
}

static void latency_object(struct json *json, const char *name,
			   const struct rawcache_latency *latency)
{
	json_open(json, name, '{');
	json_number(json, "count", figures_samples(latency));
	json_number(json, "p50", rawcache_latency_percentile(latency, 50));
	json_number(json, "p90", rawcache_latency_percentile(latency, 90));
	json_number(json, "p99", rawcache_latency_percentile(latency, 99));
	json_close(json, '}');
}

static void stats_members(struct json *json, const struct rawcache_stats *stats)
{
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);
	const struct figures_latency *latencies;

	for (size_t i = 0; i < count; i++)
		json_number(json, counters[i].name, figure(stats, &counters[i]));
	json_open(json, "passthrough", '{');
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (i != RAWCACHE_REASON_none)
			json_number(json, rawcache_reason_name(i), rawcache_passthrough(stats, i));
	json_close(json, '}');
	latencies = figures_latencies(&count);
	for (size_t i = 0; i < count; i++)
		latency_object(json, latencies[i].name, figures_histogram(stats, &latencies[i]));
}

static void process_object(struct json *json, const struct rawcache_process *process)
{
	json_open(json, NULL, '{');
	json_number(json, "pid", process->pid);
	json_string(json, "command", process->command);
	json_number(json, "slot", process->slot);
	json_number(json, "attached", process->attached);
	stats_members(json, &process->stats);
	json_close(json, '}');
}

static void document_begin(struct json *json, bool indent)
{
	json_init(json, stdout, indent);
	json_open(json, NULL, '{');
	json_number(json, "version", REPORT_VERSION);
}

static void document_end(struct json *json)
{
	json_close(json, '}');
	json_end(json);
}

void report_json(const char *path, const struct sample *sample, bool indent)
{
	struct json json;

	document_begin(&json, indent);
	json_open(&json, "image", '{');
	image_members(&json, path, &sample->image, false);
	json_close(&json, '}');
	json_open(&json, "totals", '{');
	stats_members(&json, &sample->total);
	json_close(&json, '}');
	json_open(&json, "processes", '[');
	for (size_t i = 0; i < sample->count; i++)
		process_object(&json, &sample->processes[i]);
	json_close(&json, ']');
	if (sample->server_count)
		json_open(&json, "tier", '[');
	for (size_t i = 0; i < sample->server_count; i++)
		report_tier_json(&json, &sample->servers[i]);
	if (sample->server_count)
		json_close(&json, ']');
	document_end(&json);
}

void report_json_image(const char *path, const struct rawcache_image_info *info, bool used)
{
	struct json json;

	document_begin(&json, true);
	json_open(&json, "image", '{');
	image_members(&json, path, info, used);
	json_close(&json, '}');
	document_end(&json);
}

static void list_item(struct json *json, const char *name, const char *unit, const char *text)
{
	json_open(json, NULL, '{');
	json_string(json, "name", name);
	if (unit)
		json_string(json, "unit", unit);
	json_string(json, "description", text);
	json_close(json, '}');
}

void report_json_list(void)
{
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);
	const struct figures_latency *latencies;
	struct json json;

	document_begin(&json, true);
	json_open(&json, "counters", '[');
	for (size_t i = 0; i < count; i++)
		list_item(&json, counters[i].name, counters[i].unit, counters[i].text);
	json_close(&json, ']');
	json_open(&json, "latencies", '[');
	latencies = figures_latencies(&count);
	for (size_t i = 0; i < count; i++)
		list_item(&json, latencies[i].name, "ns", latencies[i].text);
	json_close(&json, ']');
	json_open(&json, "passthrough", '[');
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (i != RAWCACHE_REASON_none)
			list_item(&json, rawcache_reason_name(i), NULL, rawcache_reason_text(i));
	json_close(&json, ']');
	document_end(&json);
}
