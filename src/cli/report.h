/* SPDX-License-Identifier: MIT */
/* The forms in which statistics and images are written to standard output. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/json.h"
#include "cli/sample.h"

/* --- report_table.c: for people. Each returns a status. */

struct report_style {
	bool exact; /* bytes as numbers, not 1.5G */
};

int report_image(const char *path, const struct rawcache_image_info *info, bool used,
		 const struct report_style *style);
int report_totals(const struct sample *sample, const struct report_style *style);
int report_processes(const struct sample *sample, const struct report_style *style);
int report_list(void);

/* --- report_watch.c: a line of rates per interval. */

void report_watch_heading(void);
void report_watch_line(const struct sample *now, const struct sample *before,
		       const struct report_style *style);

/* --- report_json.c */

/* {"version":1,"image":{...},"totals":{...},"processes":[...],"tier":[...]}, on one line unless `indent`. */
void report_json(const char *path, const struct sample *sample, bool indent);
void report_json_image(const char *path, const struct rawcache_image_info *info, bool used);
void report_json_list(void);

/* --- report_tier.c: what this machine thinks of the tier's servers, which there are. */

int report_tier_table(const struct sample *sample);
void report_tier_json(struct json *json, const struct rawcache_tier_server *server);
void report_tier_prometheus(FILE *out, const struct sample *sample, bool open);

/* --- report_prometheus.c: the text exposition format 0.0.4, or with `open` OpenMetrics 1.0.0. */

void report_prometheus(FILE *out, const struct sample *sample, bool open);

/* What is told of an image that cannot be used. */
void report_prometheus_down(FILE *out, enum rawcache_reason reason, bool open);

/* "zero-range", "punch-hole" or "none". */
const char *report_detach(enum rawcache_detach detach);

#endif
