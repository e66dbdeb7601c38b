/* SPDX-License-Identifier: MIT */
/* How long reads took: a bar for each bucket that is not empty, and for those between them. */
#include "cli/figures.h"
#include "cli/html.h"
#include "cli/page.h"
#include "cli/text.h"

/* The picture, in units of its viewBox; the page scales it. BOTTOM: of the bars, above the numbers. */
#define WIDTH 360
#define HEIGHT 130
#define BOTTOM 108.0
#define BUCKETS_MIN 8u /* two lone bars would fill the picture */

struct range {
	size_t first, end; /* buckets that are shown */
	uint64_t most, samples;
};

static struct range range_find(const struct rawcache_latency *latency)
{
	struct range range = { .first = RAWCACHE_LATENCY_BUCKETS };

	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++) {
		uint64_t n = latency->bucket[i];

		if (!n)
			continue;
		range.first = range.first < i ? range.first : i;
		range.end = i + 1;
		range.most = range.most > n ? range.most : n;
		range.samples += n;
	}
	while (range.end && range.end - range.first < BUCKETS_MIN) {
		range.first -= range.first > 0;
		range.end += range.end < RAWCACHE_LATENCY_BUCKETS;
	}
	return range;
}

static void bar_draw(FILE *out, const struct rawcache_latency *latency, const struct range *range,
		     size_t i)
{
	double width = (double)(WIDTH - 8) / (double)(range->end - range->first);
	double height = (BOTTOM - 8) * (double)latency->bucket[i] / (double)range->most;
	char title[128], text[TEXT_LENGTH];

	if (!latency->bucket[i])
		return;
	snprintf(title, sizeof(title), "below %s: %llu of %llu",
		 text_duration(figures_bucket_limit(i), text),
		 (unsigned long long)latency->bucket[i], (unsigned long long)range->samples);
	height = height < 1 ? 1 : height; /* few are not none */
	svg_rect(out, "cache", 4 + width * (double)(i - range->first), BOTTOM - height, width - 1,
		 height, title);
}

static void histogram_draw(FILE *out, const struct figures_latency *kind,
			   const struct rawcache_latency *latency, const struct range *range)
{
	size_t middle = (range->first + range->end) / 2;
	double step = (double)(WIDTH - 8) / (double)(range->end - range->first);
	char text[TEXT_LENGTH];

	svg_open(out, WIDTH, HEIGHT, kind->text);
	for (size_t i = range->first; i < range->end; i++)
		bar_draw(out, latency, range, i);
	svg_line(out, "rule", 4, BOTTOM, WIDTH - 4, BOTTOM);
	svg_text(out, 4, HEIGHT - 7, "start",
		 range->first ? text_duration(figures_bucket_limit(range->first - 1), text) : "0");
	svg_text(out, 4 + step * (double)(middle - range->first), HEIGHT - 7, "middle",
		 text_duration(figures_bucket_limit(middle - 1), text));
	svg_text(out, WIDTH - 4, HEIGHT - 7, "end",
		 range->end < RAWCACHE_LATENCY_BUCKETS ?
			 text_duration(figures_bucket_limit(range->end - 1), text) :
			 "more");
	svg_close(out);
}

static void latency_card(FILE *out, const struct figures_latency *kind,
			 const struct rawcache_latency *latency)
{
	static const double percents[] = { 50, 90, 99 };
	struct range range = range_find(latency);
	char text[TEXT_LENGTH];

	html_card_open(out, kind->title, false);
	fputs("<p class=\"soft\">", out);
	html_textf(out, "The %s.", kind->text);
	fputs("</p>\n", out);
	if (range.samples)
		histogram_draw(out, kind, latency, &range);
	else
		fputs("<p>None in this time.</p>\n", out);
	if (range.samples) {
		fputs("<p>", out);
		for (size_t i = 0; i < 3; i++)
			html_textf(out, "%s%.0f%% below %s", i ? ", " : "", percents[i],
				   text_duration(rawcache_latency_percentile(latency, percents[i]),
						 text));
		html_textf(out, "; %llu timed.", (unsigned long long)range.samples);
		fputs("</p>\n", out);
	}
	html_card_close(out);
}

void page_latencies(FILE *out, const struct page *page)
{
	size_t count;
	const struct figures_latency *kinds = figures_latencies(&count);

	for (size_t i = 0; i < count; i++)
		latency_card(out, &kinds[i], figures_histogram(&page->stats, &kinds[i]));
}
