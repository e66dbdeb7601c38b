/* SPDX-License-Identifier: MIT */
#include "cli/page.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/figures.h"
#include "cli/html.h"
#include "cli/text.h"

#define WORD_SHOWN 160 /* bytes of an argument: a script may be one */

/* The page loads nothing and runs nothing: the policy enforces that. */
static const char page_head[] =
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'; img-src data:\">\n"
	"<link rel=\"icon\" href=\"data:,\">\n";

static const char page_style[] =
	"<style>\n"
	":root{--paper:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5a6675;--line:#d8dde4;"
	"--cache:#1769aa;--origin:#c4560a;--good:#2e7d4f;--bad:#b3261e;--main:#6a4fb3}\n"
	"@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1b212a;--ink:#e6eaf0;"
	"--soft:#9aa7b6;--line:#343d4a;--cache:#64b0f0;--origin:#f0954a;--good:#6cc795;"
	"--bad:#ff8a80;--main:#b3a0f0}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:16px;max-width:1180px;background:var(--paper);color:var(--ink);"
	"font:15px/1.45 system-ui,sans-serif}\n"
	"h1{font-size:21px;margin:4px 0;overflow-wrap:anywhere}h2{font-size:16px;margin:0 0 8px}\n"
	"p{margin:4px 0 10px}.soft,footer{color:var(--soft)}code{overflow-wrap:anywhere}\n"
	".grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr))}\n"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;"
	"min-width:0}.wide{grid-column:1/-1}\n"
	".tiles{display:grid;gap:10px;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));"
	"margin:12px 0}.tile b{display:block;font-size:22px}.tile{background:var(--card);"
	"border:1px solid var(--line);border-radius:8px;padding:8px 12px}\n"
	"svg{display:block;width:100%;max-width:560px;height:auto}\n"
	"text{fill:var(--soft);font:11px system-ui,sans-serif}line{stroke:var(--line)}\n"
	".cache{fill:var(--cache)}.origin{fill:var(--origin)}.good{fill:var(--good)}\n"
	".curve{fill:none;stroke:var(--good);stroke-width:2}\n"
	".main{fill:var(--main)}.bad{fill:var(--bad)}.free{fill:none;stroke:var(--line)}\n"
	".written{fill:var(--origin)}.held{stroke:var(--ink);stroke-width:2}\n"
	"table{border-collapse:collapse;width:100%}td,th{padding:4px 8px 4px 0;text-align:left;"
	"vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere}"
	"th{font-weight:600;border-top:0}.n{text-align:right;white-space:nowrap;width:1%}\n"
	".key{display:inline-block;margin-right:14px}.key i{display:inline-block;width:11px;"
	"height:11px;margin-right:5px;border-radius:2px}\n"
	"</style>\n";

static void program_print(FILE *out, char **argv)
{
	char word[WORD_SHOWN + 4];

	for (; *argv; argv++) {
		snprintf(word, sizeof(word), "%.*s%s", WORD_SHOWN, *argv,
			 strlen(*argv) > WORD_SHOWN ? "..." : "");
		html_text(out, word);
		if (argv[1])
			fputc(' ', out);
	}
}

static void title_print(FILE *out, const struct page *page)
{
	fputs("<title>rawcache: ", out);
	html_text(out, page->argv ? page->argv[0] : page->target->path);
	fputs("</title>\n", out);
}

static void heading_print(FILE *out, const struct page *page)
{
	char *path = realpath(page->target->path, NULL);
	char text[TEXT_LENGTH];

	fputs("<h1>", out);
	if (page->argv)
		program_print(out, page->argv);
	else
		html_textf(out, "Cache %s", path ? path : page->target->path);
	fputs("</h1>\n<p class=\"soft\">", out);
	if (page->argv)
		html_textf(out, "Ended with status %d. Image: %s. ", page->code,
			   path ? path : page->target->path);
	free(path);
	html_textf(out, "It has %s. Counted %s. ", text_bytes(page->sample->image.size, text),
		   page->period);
	html_textf(out, "Written %s.", text_time((uint64_t)time(NULL), text));
	fputs("</p>\n", out);
}

static void tile(FILE *out, const char *value, const char *name)
{
	fputs("<div class=\"tile\"><b>", out);
	html_text(out, value);
	fputs("</b><span class=\"soft\">", out);
	html_text(out, name);
	fputs("</span></div>\n", out);
}

static void tiles_print(FILE *out, const struct page *page)
{
	const struct rawcache_stats *stats = &page->stats;
	uint64_t outside = rawcache_passthrough(stats, RAWCACHE_REASON_outside);
	char text[TEXT_LENGTH];

	fputs("<div class=\"tiles\">\n", out);
	if (stats->hits + stats->misses || !figures_mapped(stats))
		tile(out, text_ratio(stats->hits, stats->misses, text), "of the reads are hits");
	if (figures_mapped(stats))
		tile(out, text_ratio(figures_from_cache(stats), figures_from_origin(stats), text),
		     "of the bytes, with those of mappings");
	tile(out, text_bytes(stats->hit_bytes, text), "read from the cache");
	if (figures_mapped(stats))
		tile(out, text_bytes(stats->mapped_bytes, text), "mapped from the cache");
	tile(out, text_bytes(stats->miss_bytes, text), "waited for at the origin");
	tile(out, text_bytes(stats->origin_bytes, text), "fetched from the origin");
	tile(out, text_bytes(stats->fill_bytes, text), "stored");
	tile(out, text_bytes(stats->evicted_bytes, text), "evicted");
	tile(out, text_count(figures_bypassed(stats) - outside, text), "calls past the cache");
	fputs("</div>\n", out);
}

static void body_print(FILE *out, const struct page *page)
{
	heading_print(out, page);
	tiles_print(out, page);
	fputs("<div class=\"grid\">\n", out);
	page_over_time(out, page);
	page_latencies(out, page);
	page_reasons(out, page);
	page_holdings(out, page);
	page_regions(out, page);
	page_processes(out, page);
	fputs("</div>\n<footer><p>Made by rawcache " PACKAGE_VERSION
	      ". Nothing on this page is loaded from elsewhere. What is counted: rawcache(7).</p>"
	      "</footer>\n",
	      out);
}

int page_write(FILE *out, struct page *page)
{
	struct rawcache *cache;
	int status = target_attach(page->target, TARGET_LOOK, &cache);

	if (status != GO_ON)
		return status;
	status = holdings_take(cache, &page->holdings);
	rawcache_detach(cache);
	if (status != GO_ON)
		return status;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n", out);
	fputs(page_head, out);
	title_print(out, page);
	fputs(page_style, out);
	fputs("</head>\n<body>\n", out);
	body_print(out, page);
	fputs("</body>\n</html>\n", out);
	holdings_fini(&page->holdings);
	return GO_ON;
}
