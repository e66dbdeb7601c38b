/* SPDX-License-Identifier: MIT */
/* Tables: what went past the cache and what to do, what the image holds most of, who uses it. */
#include "cli/advice.h"
#include "cli/figures.h"
#include "cli/html.h"
#include "cli/page.h"
#include "cli/text.h"

#define BAR 120 /* pixels of the longest bar */

static void reason_row(FILE *out, const struct rawcache_stats *stats, unsigned int reason)
{
	const char *advice = advice_of(reason);
	char text[TEXT_LENGTH];

	fputs("<tr><td class=\"n\">", out);
	html_text(out, text_count(rawcache_passthrough(stats, reason), text));
	fputs("</td><td><code>", out);
	html_text(out, rawcache_reason_name(reason));
	fputs("</code><br>", out);
	html_text(out, rawcache_reason_text(reason));
	fputs("<br><b>", out);
	html_text(out, advice ? advice : "nothing to do");
	fputs("</b></td></tr>\n", out);
}

/* No call went past the cache for these bytes, but a mapping has the origin's pages for them. */
static void mapped_row(FILE *out, uint64_t bytes)
{
	char text[TEXT_LENGTH];

	fputs("<p>", out);
	html_textf(out, "%s of mappings are the origin's pages", text_bytes(bytes, text));
	fputs(": they were not cached when they were mapped, or others needed the space.<br>"
	      "<b>a larger image holds more</b></p>\n",
	      out);
}

void page_reasons(FILE *out, const struct page *page)
{
	unsigned int reasons[RAWCACHE_REASON_COUNT];
	unsigned int count = advice_reasons(&page->stats, reasons);
	uint64_t mapped = page->stats.mapped_origin_bytes;

	html_card_open(out, "What was not served, and what to do", true);
	if (count) {
		fputs("<table>\n<tr><th class=\"n\">Calls</th><th>Why</th></tr>\n", out);
		for (unsigned int i = 0; i < count; i++)
			reason_row(out, &page->stats, reasons[i]);
		fputs("</table>\n", out);
	}
	if (mapped)
		mapped_row(out, mapped);
	if (!count && !mapped)
		fputs("<p>Nothing went past the cache.</p>\n", out);
	html_card_close(out);
}

enum holding_kind { HOLDING_DIRECTORY, HOLDING_FILE, HOLDING_READ };

static uint64_t holding_length(const struct holding *holding, enum holding_kind kind)
{
	return kind == HOLDING_READ ? holding->reread : holding->cached;
}

static void holding_text(FILE *out, const struct holding *holding, enum holding_kind kind)
{
	char cached[TEXT_LENGTH], size[TEXT_LENGTH];

	text_bytes(holding_length(holding, kind), cached);
	text_bytes(holding->size, size);
	if (kind == HOLDING_DIRECTORY)
		html_textf(out, "%s of %s in %llu file%s", cached, size,
			   (unsigned long long)holding->files, holding->files == 1 ? "" : "s");
	else if (kind == HOLDING_FILE)
		html_textf(out, "%s of %s", cached, size);
	else
		html_textf(out, "%s, of a file of %s", cached, size);
}

static void holding_row(FILE *out, const struct holding *holding, uint64_t most,
			enum holding_kind kind)
{
	double share = most ? (double)holding_length(holding, kind) / (double)most : 0;
	char label[64];

	fputs("<tr><td><code>", out);
	html_text(out, holding->name);
	fputs("</code><br>", out);
	holding_text(out, holding, kind);
	snprintf(label, sizeof(label), "%.0f%% of the largest", 100 * share);
	fprintf(out, "</td><td style=\"width:%dpx\">", BAR);
	svg_open(out, BAR, 16, label);
	svg_rect(out, "cache", 0, 3, BAR * share < 1 ? 1 : BAR * share, 10, NULL);
	svg_close(out);
	fputs("</td></tr>\n", out);
}

static void holdings_card(FILE *out, const char *heading, const struct holding *holding,
			  size_t count, enum holding_kind kind)
{
	html_card_open(out, heading, false);
	if (count && kind == HOLDING_READ)
		fputs("<p class=\"soft\">After it was stored. Each program counts once, and three of them "
		      "at most.</p>\n",
		      out);
	if (!count && kind == HOLDING_READ)
		fputs("<p>Nothing that is in the image was read again since it was stored.</p>\n",
		      out);
	else if (!count)
		fputs("<p>The image holds no file.</p>\n", out);
	else
		fputs("<table>\n", out);
	for (size_t i = 0; i < count; i++)
		holding_row(out, &holding[i], holding_length(&holding[0], kind), kind);
	if (count)
		fputs("</table>\n", out);
	html_card_close(out);
}

void page_holdings(FILE *out, const struct page *page)
{
	const struct holdings *h = &page->holdings;

	holdings_card(out, "Directories that take most of the image", h->directory,
		      h->directory_count, HOLDING_DIRECTORY);
	holdings_card(out, "Files that take most of the image", h->file, h->file_count,
		      HOLDING_FILE);
	holdings_card(out, "Files that were read again most", h->read, h->read_count, HOLDING_READ);
}

static void process_row(FILE *out, const struct rawcache_process *process)
{
	const struct rawcache_stats *stats = &process->stats;
	char text[TEXT_LENGTH];

	fputs("<tr><td>", out);
	html_textf(out, "%s (%u)", process->command, process->pid);
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_ratio(figures_from_cache(stats), figures_from_origin(stats), text));
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_bytes(figures_from_cache(stats), text));
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_bytes(figures_from_origin(stats), text));
	fputs("</td></tr>\n", out);
}

void page_processes(FILE *out, const struct page *page)
{
	const struct sample *sample = page->sample;

	if (!sample->count)
		return;
	html_card_open(out, "Processes that use the image now", true);
	fputs("<table>\n<tr><th>Process</th><th class=\"n\">Cached</th><th class=\"n\">Cache</th>"
	      "<th class=\"n\">Origin</th></tr>\n",
	      out);
	for (size_t i = 0; i < sample->count; i++)
		process_row(out, &sample->processes[i]);
	fputs("</table>\n<p class=\"soft\">Of the bytes that they read and mapped.</p>\n", out);
	html_card_close(out);
}
