/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "cli/figures.h"
#include "cli/report.h"
#include "cli/text.h"

void report_watch_heading(void)
{
	printf("%-8s %9s %9s %6s %9s %9s %9s %9s %9s %5s\n", "TIME", "HITS/s", "MISSES/s", "RATIO",
	       "CACHE/s", "ORIGIN/s", "FILLS/s", "EVICT/s", "PAST/s", "PROCS");
}

static char *bytes(uint64_t n, const struct report_style *style, char *buf)
{
	if (style->exact)
		snprintf(buf, TEXT_LENGTH, "%llu", (unsigned long long)n);
	else
		text_bytes(n, buf);
	return buf;
}

static void clock_print(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[16] = "";

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%T", &tm);
	printf("%-8s", text);
}

void report_watch_line(const struct sample *now, const struct sample *before,
		       const struct report_style *style)
{
	uint64_t ns = now->when - before->when;
	char text[4][TEXT_LENGTH];
	struct rawcache_stats d;

	figures_subtract(&d, &now->total, &before->total);
	clock_print();
	printf(" %9llu %9llu %6s %9s %9s %9llu %9s %9llu %5zu\n",
	       (unsigned long long)figures_rate(d.hits, ns),
	       (unsigned long long)figures_rate(d.misses, ns),
	       text_ratio(d.hits, d.misses, text[0]),
	       bytes(figures_rate(figures_from_cache(&d), ns), style, text[1]),
	       bytes(figures_rate(d.origin_bytes, ns), style, text[2]),
	       (unsigned long long)figures_rate(d.fills, ns),
	       bytes(figures_rate(d.evicted_bytes, ns), style, text[3]),
	       (unsigned long long)figures_rate(figures_bypassed(&d), ns), now->count);
}
