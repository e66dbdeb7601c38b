/* SPDX-License-Identifier: MIT */
/* What this machine thinks of each server of the tier, in the three forms of `rawcache stat`. */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/text.h"

static const char *error_text(const struct rawcache_tier_server *server)
{
	return server->error ? strerror(-server->error) : "";
}

/* --- for people */

static void state_cell(struct table *table, const struct rawcache_tier_server *server)
{
	if (server->left_ms)
		table_cell(table, "not asked for %.1f s", (double)server->left_ms / 1e3);
	else if (server->leases_left_ms)
		table_cell(table, "asked; no waits for %.1f s",
			   (double)server->leases_left_ms / 1e3);
	else
		table_cell(table, "asked");
}

int report_tier_table(const struct sample *sample)
{
	static const struct table_column columns[] = { { "TIER SERVER", TABLE_LEFT },
						       { "STATE", TABLE_LEFT },
						       { "ANSWER", TABLE_RIGHT },
						       { "LATE", TABLE_RIGHT },
						       { "LAST ERROR", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), true);
	char text[TEXT_LENGTH];

	for (size_t i = 0; i < sample->server_count; i++) {
		const struct rawcache_tier_server *server = &sample->servers[i];

		table_line(table);
		table_cell(table, "%s", server->name);
		state_cell(table, server);
		table_cell(table, "%s",
			   server->answer_us ?
				   text_duration(UINT64_C(1000) * server->answer_us, text) :
				   "-");
		table_cell(table, "%u", server->late);
		table_cell(table, "%s", error_text(server));
	}
	return table_print(table);
}

/* --- JSON */

void report_tier_json(struct json *json, const struct rawcache_tier_server *server)
{
	json_open(json, NULL, '{');
	json_string(json, "name", server->name);
	json_boolean(json, "asked", !server->left_ms);
	json_number(json, "left_ms", server->left_ms);
	json_number(json, "leases_left_ms", server->leases_left_ms);
	json_number(json, "answer_us", server->answer_us);
	json_number(json, "late", server->late);
	json_string(json, "error", error_text(server));
	json_close(json, '}');
}

/* --- Prometheus */

/* A socket's path may have what ends a label. */
static void label_print(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

static void server_begin(FILE *out, const char *name, const struct rawcache_tier_server *server)
{
	fprintf(out, "rawcache_tier_server_%s{server=\"", name);
	label_print(out, server->name);
	fputc('"', out);
}

static void family_begin(FILE *out, const char *name, const char *type, const char *text)
{
	fprintf(out, "# HELP rawcache_tier_server_%s %s\n", name, text);
	fprintf(out, "# TYPE rawcache_tier_server_%s %s\n", name, type);
}

static double asked(const struct rawcache_tier_server *server)
{
	return !server->left_ms;
}

static double left(const struct rawcache_tier_server *server)
{
	return (double)server->left_ms / 1e3;
}

static double leases_left(const struct rawcache_tier_server *server)
{
	return (double)server->leases_left_ms / 1e3;
}

static double answer_time(const struct rawcache_tier_server *server)
{
	return server->answer_us / 1e6;
}

static void errors_print(FILE *out, const struct sample *sample)
{
	family_begin(out, "last_error", "gauge", "the last error of a tier server's connections");
	for (size_t i = 0; i < sample->server_count; i++) {
		if (!sample->servers[i].error)
			continue;
		server_begin(out, "last_error", &sample->servers[i]);
		fprintf(out, ",error=\"%s\"} 1\n", error_text(&sample->servers[i]));
	}
}

void report_tier_prometheus(FILE *out, const struct sample *sample, bool open)
{
	static const struct {
		const char *name, *text;
		double (*value)(const struct rawcache_tier_server *server);
	} gauges[] = {
		{ "asked", "whether a server of the tier is asked now", asked },
		{ "left_seconds", "until a tier server that failed is asked again", left },
		{ "leases_left_seconds", "until chunks that other machines fetch are waited for",
		  leases_left },
		{ "answer_seconds", "mean of what an answer of a tier server took", answer_time },
	};

	for (size_t g = 0; g < ARRAY_SIZE(gauges); g++) {
		family_begin(out, gauges[g].name, "gauge", gauges[g].text);
		for (size_t i = 0; i < sample->server_count; i++) {
			server_begin(out, gauges[g].name, &sample->servers[i]);
			fprintf(out, "} %.9g\n", gauges[g].value(&sample->servers[i]));
		}
	}
	/* a family of counters has the suffix in the older format only */
	family_begin(out, open ? "late" : "late_total", "counter", "late answers of a tier server");
	for (size_t i = 0; i < sample->server_count; i++) {
		server_begin(out, "late_total", &sample->servers[i]);
		fprintf(out, "} %u\n", sample->servers[i].late);
	}
	errors_print(out, sample);
}
