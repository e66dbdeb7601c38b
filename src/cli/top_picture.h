/* SPDX-License-Identifier: MIT */
/* The pictures of `rawcache top`: bars over time, and the map of the image. */
#ifndef CLI_TOP_PICTURE_H
#define CLI_TOP_PICTURE_H

#include "base/compiler.h"
#include "cli/history.h"
#include "cli/holdings.h"

/* Where lines go: printf on a line of the screen, cut at its edge. */
void line_draw(int line, const char *format, ...) printf_like(2, 3);

/* Hit ratio, bandwidths and latency of the last intervals, newest at the right. Returns the next line. */
int bars_draw(int line, const struct history *history);

/* The regions in at most `rows` lines, and what the letters mean. Returns the next line. */
int map_draw(int line, int rows, const struct rawcache_region *region, size_t count);

#endif
