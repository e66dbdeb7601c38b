/* SPDX-License-Identifier: MIT */
/* The counters of an image at several moments, for pictures over time. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "cli/sample.h"

#define HISTORY_POINTS 240u /* a point for each pixel or so of a picture: page_time.c */

struct history_point {
	uint64_t when; /* monotonic ns */
	struct rawcache_stats stats;
};

struct history {
	struct history_point *point; /* room for HISTORY_POINTS */
	size_t count;
	uint64_t step_ms; /* time between two points */
};

/* GO_ON or a status; on GO_ON owes history_fini(). */
int history_init(struct history *history, uint64_t step_ms);
void history_fini(struct history *history);

/*
 * Note a sample. If there is no room, every second point is dropped and step_ms doubled: counters only
 * grow, so the gain between two points stays exact.
 */
void history_note(struct history *history, const struct sample *sample);

/* The same, but the oldest points are dropped. */
void history_push(struct history *history, const struct sample *sample);

/* Point `i` minus the one before; returns the nanoseconds between them. i > 0. */
uint64_t history_step(const struct history *history, size_t i, struct rawcache_stats *gained);

#endif
