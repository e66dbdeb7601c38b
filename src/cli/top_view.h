/* SPDX-License-Identifier: MIT */
/* What `rawcache top` draws. The caller has initialised ncurses. */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include "cli/history.h"
#include "cli/holdings.h"

enum top_order { TOP_BY_BYTES, TOP_BY_ORIGIN, TOP_BY_RATIO, TOP_BY_PID, TOP_ORDER_COUNT };

struct top_view {
	enum top_order order;
	bool reverse;
	bool plain; /* without the pictures */
	struct history history;
	struct holdings image; /* its regions */
};

/*
 * Draw `now` and the rates since `before` (the same sample at the first time). Sorts
 * now->processes.
 */
void top_view_draw(const struct top_view *view, const char *path, struct sample *now,
		   const struct sample *before);

#endif
