/* SPDX-License-Identifier: MIT */
/* Tables: what went past the cache and what to do, what the image holds most of, who uses it. */
#include "cli/advice.h"
#include "cli/figures.h"
#include "cli/html.h"
#include "cli/page.h"
#include "cli/text.h"

#define BAR 120

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

void page_reasons(FILE *out, const struct page *page)
{
	unsigned int reasons[RAWCACHE_REASON_COUNT];
	unsigned int count = advice_reasons(&page->stats, reasons);

	page_card_open(out, "What was not served, and what to do", true);
	if (count) {
		fputs("<table>\n<tr><th class=\"n\">Calls</th><th>Why</th></tr>\n", out);
		for (unsigned int i = 0; i < count; i++)
			reason_row(out, &page->stats, reasons[i]);
		fputs("</table>\n", out);
	} else {
		fputs("<p>Nothing went past the cache.</p>\n", out);
	}
	page_card_close(out);
}

static void holding_row(FILE *out, const struct holding *holding, uint64_t most, bool directory)
{
	double share = most ? (double)holding->cached / (double)most : 0;
	char cached[TEXT_LENGTH], size[TEXT_LENGTH], label[64];

	fputs("<tr><td><code>", out);
	html_text(out, holding->name);
	fputs("</code><br>", out);
	if (directory)
		html_textf(out, "%s of %s in %llu file%s", text_bytes(holding->cached, cached),
			   text_bytes(holding->size, size), (unsigned long long)holding->files,
			   holding->files == 1 ? "" : "s");
	else
		html_textf(out, "%s of %s", text_bytes(holding->cached, cached),
			   text_bytes(holding->size, size));
	snprintf(label, sizeof(label), "%.0f%% of the largest", 100 * share);
	fprintf(out, "</td><td style=\"width:%dpx\">", BAR);
	svg_open(out, BAR, 16, label);
	svg_rect(out, "cache", 0, 3, BAR * share < 1 ? 1 : BAR * share, 10, NULL);
	svg_close(out);
	fputs("</td></tr>\n", out);
}

static void holdings_card(FILE *out, const char *heading, const struct holding *holding, size_t count,
			  bool directory)
{
	page_card_open(out, heading, false);
	if (!count)
		fputs("<p>The image holds no file.</p>\n", out);
	else
		fputs("<table>\n", out);
	for (size_t i = 0; i < count; i++)
		holding_row(out, &holding[i], holding[0].cached, directory);
	if (count)
		fputs("</table>\n", out);
	page_card_close(out);
}

void page_holdings(FILE *out, const struct page *page)
{
	const struct holdings *h = &page->holdings;

	holdings_card(out, "Directories that take most of the image", h->directory, h->directory_count,
		      true);
	holdings_card(out, "Files that take most of the image", h->file, h->file_count, false);
}

static void process_row(FILE *out, const struct rawcache_process *process)
{
	const struct rawcache_stats *stats = &process->stats;
	char text[TEXT_LENGTH];

	fputs("<tr><td>", out);
	html_textf(out, "%s (%u)", process->command, process->pid);
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_ratio(stats->hits, stats->misses, text));
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_bytes(stats->hit_bytes, text));
	fputs("</td><td class=\"n\">", out);
	html_text(out, text_bytes(stats->miss_bytes, text));
	fputs("</td></tr>\n", out);
}

void page_processes(FILE *out, const struct page *page)
{
	const struct sample *sample = page->sample;

	if (!sample->count)
		return;
	page_card_open(out, "Processes that use the image now", true);
	fputs("<table>\n<tr><th>Process</th><th class=\"n\">Hit ratio</th><th class=\"n\">Cache</th>"
	      "<th class=\"n\">Origin</th></tr>\n",
	      out);
	for (size_t i = 0; i < sample->count; i++)
		process_row(out, &sample->processes[i]);
	fputs("</table>\n", out);
	page_card_close(out);
}
