/* SPDX-License-Identifier: MIT */
#include "cli/top_picture.h"

#include <langinfo.h>
#include <stdarg.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/curses.h"
#include "cli/figures.h"
#include "cli/regions.h"
#include "cli/text.h"

#define LABEL 22 /* columns before the bars */
#define LEVELS 9 /* nothing, and the eight heights that Unicode has */

/* Nothing is drawn below the screen. */
void line_draw(int line, const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (line >= *curses.lines)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text);
	curses.mvaddnstr(line, 0, text, *curses.columns);
}

/* --- bars */

/* What a bar stands for; negative: nothing happened. */
typedef double value_of(const struct rawcache_stats *gained, uint64_t ns);

static double ratio(const struct rawcache_stats *gained, uint64_t ns)
{
	double reads = (double)gained->hits + (double)gained->misses;

	(void)ns;
	return reads > 0 ? (double)gained->hits / reads : -1;
}

static double cache_bytes(const struct rawcache_stats *gained, uint64_t ns)
{
	return (double)figures_rate(figures_from_cache(gained), ns);
}

static double origin_bytes(const struct rawcache_stats *gained, uint64_t ns)
{
	return (double)figures_rate(gained->origin_bytes, ns);
}

static double percentile(const struct rawcache_latency *latency)
{
	return figures_samples(latency) ? (double)rawcache_latency_percentile(latency, 99) : -1;
}

static double hit_time(const struct rawcache_stats *gained, uint64_t ns)
{
	(void)ns;
	return percentile(&gained->hit_latency);
}

static double miss_time(const struct rawcache_stats *gained, uint64_t ns)
{
	(void)ns;
	return percentile(&gained->miss_latency);
}

enum unit { UNIT_RATIO, UNIT_BYTES, UNIT_TIME };

static const struct row {
	const char *name;
	value_of *value;
	enum unit unit;
} rows[] = {
	{ "hit ratio", ratio, UNIT_RATIO },	   { "cache /s", cache_bytes, UNIT_BYTES },
	{ "origin /s", origin_bytes, UNIT_BYTES }, { "hits, 99%", hit_time, UNIT_TIME },
	{ "misses, 99%", miss_time, UNIT_TIME },
};

static char *value_text(enum unit unit, double value, char *text)
{
	if (value < 0)
		return strcpy(text, "-");
	switch (unit) {
	case UNIT_RATIO:
		snprintf(text, TEXT_LENGTH, "%.1f%%", 100 * value);
		return text;
	case UNIT_BYTES:
		return text_bytes((uint64_t)value, text);
	default:
		return text_duration((uint64_t)value, text);
	}
}

/* A character for each of nine heights. */
static const char *level_text(int level)
{
	static const char *const blocks[LEVELS] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[LEVELS] = { " ", "_", ".", "-", ":", "=", "+", "*", "#" };

	return strcmp(nl_langinfo(CODESET), "UTF-8") ? plain[level] : blocks[level];
}

/* Values of intervals, newest last; returns how many, *most is the largest. */
static size_t values_take(const struct history *history, const struct row *row, double *values,
			  size_t room, double *most)
{
	size_t steps = history->count ? history->count - 1 : 0;
	size_t n = steps < room ? steps : room;

	*most = row->unit == UNIT_RATIO ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		struct rawcache_stats gained;
		uint64_t ns = history_step(history, history->count - n + i, &gained);

		values[i] = row->value(&gained, ns);
		*most = values[i] > *most ? values[i] : *most;
	}
	return n;
}

static void row_draw(int line, const struct history *history, const struct row *row)
{
	double values[HISTORY_POINTS];
	size_t room = *curses.columns > LABEL ? (size_t)(*curses.columns - LABEL) : 0;
	char text[TEXT_LENGTH], bars[HISTORY_POINTS * 3 + 1];
	double most;
	size_t n = values_take(history, row, values, room < HISTORY_POINTS ? room : HISTORY_POINTS,
			       &most);
	char *end = bars;

	*bars = '\0';
	for (size_t i = 0; i < n; i++) {
		double part = most > 0 && values[i] > 0 ? values[i] / most : 0;
		int level = part > 0 ? 1 + (int)(part * (LEVELS - 2) + 0.5) : 0;

		end = stpcpy(end, level_text(level));
	}
	line_draw(line, "%-11s %8s  %s", row->name,
		  value_text(row->unit, n ? values[n - 1] : -1, text), bars);
}

int bars_draw(int line, const struct history *history)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row_draw(line++, history, &rows[i]);
	return line;
}

/* --- the map */

static char cell_letter(const struct regions_cell *cell)
{
	switch (cell->kind) {
	case REGIONS_ONCE:
		return cell->age < 0.5 ? 'O' : 'o';
	case REGIONS_REREAD:
		return cell->age < 0.5 ? 'M' : 'm';
	case REGIONS_WRITTEN:
		return 'W';
	case REGIONS_EMPTIED:
		return '-';
	case REGIONS_BAD:
		return '!';
	default:
		return '.';
	}
}

static void cell_draw(int line, int column, const struct regions_cell *cell)
{
	chtype look = curses.has_colors() ? curses.COLOR_PAIR(1 + (short)cell->kind) : 0;

	if (cell->held)
		look |= A_REVERSE;
	if (cell->kind == REGIONS_WRITTEN)
		look |= A_BOLD;
	if (line < *curses.lines && column < *curses.columns)
		curses.mvaddch(line, column, (chtype)cell_letter(cell) | look);
}

static void colors_init(void)
{
	static const short colors[] = {
		[REGIONS_FREE] = COLOR_WHITE,	  [REGIONS_EMPTIED] = COLOR_WHITE,
		[REGIONS_ONCE] = COLOR_CYAN,	  [REGIONS_REREAD] = COLOR_MAGENTA,
		[REGIONS_WRITTEN] = COLOR_YELLOW, [REGIONS_BAD] = COLOR_RED,
	};
	static bool done;

	if (done || !curses.has_colors())
		return;
	curses.start_color();
	curses.use_default_colors();
	for (short i = 0; i < (short)ARRAY_SIZE(colors); i++)
		curses.init_pair((short)(i + 1), colors[i], -1);
	done = true;
}

int map_draw(int line, int rows_most, const struct rawcache_region *region, size_t count)
{
	size_t room = *curses.columns > 0 ? (size_t)*curses.columns * (size_t)rows_most : 0;
	size_t cells = count < room ? count : room;

	if (!cells)
		return line;
	colors_init();
	line_draw(line++, "map: Oo once, Mm read again (young, old), W written, inverse: held, "
			  "- emptied, . empty, ! failed");
	for (size_t i = 0; i < cells; i++) {
		struct regions_cell cell = regions_cell_of(region, count, i, cells);

		cell_draw(line + (int)(i / (size_t)*curses.columns),
			  (int)(i % (size_t)*curses.columns), &cell);
	}
	return line + (int)((cells + (size_t)*curses.columns - 1) / (size_t)*curses.columns);
}
