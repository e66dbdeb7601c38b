/* SPDX-License-Identifier: MIT */
/* The row of a process (watch.h): functions that do not wait for another process. */
#ifndef CORE_WATCH_ROW_H
#define CORE_WATCH_ROW_H

#include "base/critical.h"
#include "core/shared/watch.h"

/* Counts of this process, which stand beside the bits of its row. */
struct watch_counts {
	uint32_t shown[WATCH_SHOWN];
	uint32_t written[WATCH_WAYS][WATCH_WRITTEN];
};

void watch_enter(struct rawcache *cache, struct critical *critical);

void watch_leave(struct rawcache *cache, const struct critical *critical);

bool row_get(const uint64_t *words, uint32_t bit);

void row_set(uint64_t *words, uint32_t bit);

void row_clear(uint64_t *words, uint32_t bit);

struct watch_row *row_own(const struct rawcache *cache);

#endif
