/* SPDX-License-Identifier: MIT */
#include "cli/history.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/figures.h"
#include "cli/say.h"

int history_init(struct history *history, uint64_t step_ms)
{
	history->count = 0;
	history->step_ms = step_ms;
	history->point = calloc(HISTORY_POINTS, sizeof(*history->point));
	return history->point ? GO_ON : say_memory();
}

void history_fini(struct history *history)
{
	free(history->point);
	history->point = NULL;
	history->count = 0;
}

static void point_add(struct history *history, const struct sample *sample)
{
	struct history_point *point = &history->point[history->count++];

	point->when = sample->when;
	point->stats = sample->total;
}

void history_note(struct history *history, const struct sample *sample)
{
	if (history->count == HISTORY_POINTS) {
		for (size_t i = 0; i < HISTORY_POINTS / 2; i++)
			history->point[i] = history->point[2 * i];
		history->count = HISTORY_POINTS / 2;
		history->step_ms *= 2;
	}
	point_add(history, sample);
}

void history_push(struct history *history, const struct sample *sample)
{
	if (history->count == HISTORY_POINTS)
		memmove(history->point, history->point + 1,
			--history->count * sizeof(*history->point));
	point_add(history, sample);
}

uint64_t history_step(const struct history *history, size_t i, struct rawcache_stats *gained)
{
	const struct history_point *now = &history->point[i];
	const struct history_point *before = now - 1;

	figures_subtract(gained, &now->stats, &before->stats);
	return now->when - before->when;
}
