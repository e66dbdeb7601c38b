/* SPDX-License-Identifier: MIT */
/* Where the bytes came from, and the hit ratio, in all and over time. */
#include "cli/figures.h"
#include "cli/html.h"
#include "cli/page.h"
#include "cli/text.h"

/* The picture, in units of its viewBox, and the frame in it, with room for the numbers beside and below. */
#define WIDTH 360
#define HEIGHT 150
#define LEFT 46.0
#define RIGHT 352.0
#define TOP 10.0
#define BOTTOM 124.0

/* A value of an interval; negative: there is none. */
typedef double value_of(const struct rawcache_stats *gained, double seconds);

struct axes {
	const struct history *history;
	double begin, span; /* ns */
	double most;	    /* at the top */
};

static double from_cache(const struct rawcache_stats *gained, double seconds)
{
	return seconds > 0 ? (double)figures_from_cache(gained) / seconds : -1;
}

static double from_both(const struct rawcache_stats *gained, double seconds)
{
	double bytes = (double)figures_from_cache(gained) + (double)figures_from_origin(gained);

	return seconds > 0 ? bytes / seconds : -1;
}

/* Of the bytes: mappings have no hits. */
static double page_ratio(const struct rawcache_stats *gained, double seconds)
{
	double cache = (double)figures_from_cache(gained);
	double whole = cache + (double)figures_from_origin(gained);

	(void)seconds;
	return whole > 0 ? cache / whole : -1;
}

static double value_at(const struct history *history, size_t i, value_of *value)
{
	struct rawcache_stats gained;
	uint64_t ns = history_step(history, i, &gained);

	return value(&gained, (double)ns / 1e9);
}

static double x_of(const struct axes *axes, size_t i)
{
	double t = (double)axes->history->point[i].when - axes->begin;

	return LEFT + (RIGHT - LEFT) * t / axes->span;
}

static double y_of(const struct axes *axes, double value)
{
	return BOTTOM - (BOTTOM - TOP) * value / axes->most;
}

static void axes_init(struct axes *axes, const struct history *history)
{
	const struct history_point *first = &history->point[0];
	const struct history_point *last = &history->point[history->count - 1];

	axes->history = history;
	axes->begin = (double)first->when;
	axes->span = last->when > first->when ? (double)(last->when - first->when) : 1;
	axes->most = 1;
}

/* The least of 1, 1.5, 2, 3, 4, 6, 8, ... that is not below what there is. */
static void axes_fit(struct axes *axes, value_of *value)
{
	double most = 1024;

	for (size_t i = 1; i < axes->history->count; i++) {
		double v = value_at(axes->history, i, value);

		while (v > most)
			most *= v > most * 1.5 ? 2 : 1.5;
	}
	axes->most = most;
}

static void axes_draw(FILE *out, const struct axes *axes, const char *top, const char *middle,
		      const char *bottom)
{
	const char *labels[] = { bottom, middle, top };
	char text[TEXT_LENGTH];

	for (int i = 0; i < 3; i++) {
		double y = y_of(axes, axes->most * i / 2);

		svg_line(out, "rule", LEFT, y, RIGHT, y);
		svg_text(out, LEFT - 5, y + 4, "end", labels[i]);
	}
	svg_text(out, LEFT, HEIGHT - 8, "start", "0");
	svg_text(out, RIGHT, HEIGHT - 8, "end", text_duration((uint64_t)axes->span, text));
}

/* Steps, from the axis up to the value of each interval. */
static void area_draw(FILE *out, const struct axes *axes, const char *class, value_of *value)
{
	fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1f", class, LEFT, BOTTOM);
	for (size_t i = 1; i < axes->history->count; i++) {
		double v = value_at(axes->history, i, value);

		fprintf(out, "V%.1fH%.1f", y_of(axes, v > 0 ? v : 0), x_of(axes, i));
	}
	fprintf(out, "V%.1fZ\"/>\n", BOTTOM);
}

/* A line that is interrupted where there is no value. */
static void curve_draw(FILE *out, const struct axes *axes, value_of *value)
{
	bool drawing = false;

	fputs("<path class=\"curve\" d=\"", out);
	for (size_t i = 1; i < axes->history->count; i++) {
		double v = value_at(axes->history, i, value);

		if (v < 0) {
			drawing = false;
			continue;
		}
		if (drawing)
			fprintf(out, "V%.1f", y_of(axes, v));
		else
			fprintf(out, "M%.1f %.1f", x_of(axes, i - 1), y_of(axes, v));
		fprintf(out, "H%.1f", x_of(axes, i));
		drawing = true;
	}
	fputs("\"/>\n", out);
}

static void source_key(FILE *out, const char *color, const char *name, uint64_t bytes)
{
	char text[TEXT_LENGTH];

	fprintf(out, "<span class=\"key\"><i style=\"background:var(--%s)\"></i>", color);
	html_textf(out, "%s %s", name, text_bytes(bytes, text));
	fputs("</span>\n", out);
}

static void page_mappings_print(FILE *out, const struct rawcache_stats *stats)
{
	char cache[TEXT_LENGTH], origin[TEXT_LENGTH];

	if (!figures_mapped(stats))
		return;
	fputs("<p>", out);
	html_textf(out, "Mappings are in it: %s are the cache's pages, %s the origin's.",
		   text_bytes(stats->mapped_bytes, cache),
		   text_bytes(stats->mapped_origin_bytes, origin));
	fputs("</p>\n", out);
}

/* One bar: what programs got out of the cache, and what they had from the origin. */
static void sources_draw(FILE *out, const struct rawcache_stats *stats)
{
	uint64_t cache = figures_from_cache(stats), origin = figures_from_origin(stats);
	double whole = (double)cache + (double)origin;
	double part = whole > 0 ? (WIDTH - 8) * (double)cache / whole : 0;

	if (whole <= 0) {
		fputs("<p>No byte was read or mapped through the cache in this time.</p>\n", out);
		return;
	}
	svg_open(out, WIDTH, 26, "share of the bytes that came from the cache");
	svg_rect(out, "cache", 4, 4, part, 18, "from the cache");
	svg_rect(out, "origin", 4 + part, 4, WIDTH - 8 - part, 18, "from the origin");
	svg_close(out);
	fputs("<p>", out);
	source_key(out, "cache", "from the cache", cache);
	source_key(out, "origin", "from the origin", origin);
	fputs("</p>\n", out);
	page_mappings_print(out, stats);
}

static void bandwidth_draw(FILE *out, const struct history *history)
{
	char top[TEXT_LENGTH + 4], middle[TEXT_LENGTH + 4], text[TEXT_LENGTH];
	struct axes axes;

	axes_init(&axes, history);
	axes_fit(&axes, from_both);
	snprintf(top, sizeof(top), "%s/s", text_bytes((uint64_t)axes.most, text));
	snprintf(middle, sizeof(middle), "%s/s", text_bytes((uint64_t)axes.most / 2, text));
	svg_open(out, WIDTH, HEIGHT,
		 "bytes a second from the cache and from the origin, over time");
	area_draw(out, &axes, "origin", from_both);
	area_draw(out, &axes, "cache", from_cache);
	axes_draw(out, &axes, top, middle, "0");
	svg_close(out);
}

static void ratio_draw(FILE *out, const struct history *history)
{
	struct axes axes;

	axes_init(&axes, history);
	svg_open(out, WIDTH, HEIGHT, "share of the bytes that came from the cache, over time");
	axes_draw(out, &axes, "100%", "50%", "0%");
	curve_draw(out, &axes, page_ratio);
	svg_close(out);
}

static void ratios_print(FILE *out, const struct rawcache_stats *stats)
{
	char text[TEXT_LENGTH];

	fputs("<p>", out);
	if (stats->hits + stats->misses)
		html_textf(
			out,
			"%s of the reads: %llu were answered from the cache, %llu needed the origin. ",
			text_ratio(stats->hits, stats->misses, text),
			(unsigned long long)stats->hits, (unsigned long long)stats->misses);
	html_textf(out, "%s of the bytes, %s.",
		   text_ratio(figures_from_cache(stats), figures_from_origin(stats), text),
		   figures_mapped(stats) ? "with those of mappings" : "of which none were mapped");
	fputs("</p>\n", out);
}

void page_over_time(FILE *out, const struct page *page)
{
	const struct rawcache_stats *stats = &page->stats;
	bool times = page->history && page->history->count > 1;

	html_card_open(out, "Where the bytes came from", false);
	sources_draw(out, stats);
	if (times)
		bandwidth_draw(out, page->history);
	html_card_close(out);
	html_card_open(out, "Hit ratio", false);
	ratios_print(out, stats);
	if (times)
		ratio_draw(out, page->history);
	html_card_close(out);
}
