/* SPDX-License-Identifier: MIT */
#include "cli/top_view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "cli/curses.h"
#include "cli/figures.h"
#include "cli/text.h"
#include "cli/top_picture.h"

#define PICTURE_LINES 20 /* on fewer there is room for the figures only */

static const char *const order_names[TOP_ORDER_COUNT] = {
	[TOP_BY_BYTES] = "bytes from the cache",
	[TOP_BY_ORIGIN] = "bytes from the origin",
	[TOP_BY_RATIO] = "hit ratio, worst first",
	[TOP_BY_PID] = "process id",
};

/* --- order */

static const struct top_view *sorting; /* for qsort(), which takes no argument */

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static double hit_ratio(const struct rawcache_stats *stats)
{
	double reads = (double)stats->hits + (double)stats->misses;

	return reads > 0 ? (double)stats->hits / reads : 2; /* nothing read: last */
}

static int compare_ratio(const struct rawcache_process *a, const struct rawcache_process *b)
{
	double ra = hit_ratio(&a->stats);
	double rb = hit_ratio(&b->stats);

	return ra < rb ? -1 : ra > rb;
}

static int compare_processes(const void *left, const void *right)
{
	const struct rawcache_process *a = left;
	const struct rawcache_process *b = right;
	int order = 0;

	switch (sorting->order) {
	case TOP_BY_BYTES:
		order = compare_u64(figures_from_cache(&b->stats), figures_from_cache(&a->stats));
		break;
	case TOP_BY_ORIGIN:
		order = compare_u64(b->stats.origin_bytes, a->stats.origin_bytes);
		break;
	case TOP_BY_RATIO:
		order = compare_ratio(a, b);
		break;
	case TOP_BY_PID:
	case TOP_ORDER_COUNT:
		break;
	}
	if (!order)
		order = compare_u64(a->pid, b->pid);
	return sorting->reverse ? -order : order;
}

/* --- lines */

static void title_draw(const char *path, const struct sample *now)
{
	char size[TEXT_LENGTH], clock[16] = "";
	time_t t = time(NULL);
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(clock, sizeof(clock), "%T", &tm);
	curses.attron(A_BOLD);
	line_draw(0, "rawcache %s  %s  %zu process%s  %s", path, text_bytes(now->image.size, size),
		  now->count, now->count == 1 ? "" : "es", clock);
	curses.attroff(A_BOLD);
}

static void totals_draw(const struct sample *now, const struct sample *before)
{
	uint64_t ns = now->when - before->when;
	const struct rawcache_stats *total = &now->total;
	struct rawcache_stats d;
	char t[8][TEXT_LENGTH];

	figures_subtract(&d, total, &before->total);
	line_draw(2, "%-8s %9s %9s %7s %9s %9s %9s %9s", "", "HITS", "MISSES", "RATIO", "CACHE",
		  "ORIGIN", "STORED", "EVICTED");
	line_draw(3, "%-8s %9s %9s %7s %9s %9s %9s %9s", "per sec.",
		  text_count(figures_rate(d.hits, ns), t[0]),
		  text_count(figures_rate(d.misses, ns), t[1]), text_ratio(d.hits, d.misses, t[2]),
		  text_bytes(figures_rate(figures_from_cache(&d), ns), t[3]),
		  text_bytes(figures_rate(d.origin_bytes, ns), t[4]),
		  text_bytes(figures_rate(d.fill_bytes, ns), t[5]),
		  text_bytes(figures_rate(d.evicted_bytes, ns), t[6]));
	line_draw(4, "%-8s %9s %9s %7s %9s %9s %9s %9s", "total", text_count(total->hits, t[0]),
		  text_count(total->misses, t[1]), text_ratio(total->hits, total->misses, t[2]),
		  text_bytes(figures_from_cache(total), t[3]),
		  text_bytes(total->origin_bytes, t[4]), text_bytes(total->fill_bytes, t[5]),
		  text_bytes(total->evicted_bytes, t[6]));
}

/* Medians and tails since `before`, or of all time while nothing happened since. */
static void latencies_draw(const struct sample *now, const struct sample *before)
{
	struct rawcache_stats d;
	size_t count;
	const struct figures_latency *latencies = figures_latencies(&count);
	char line[256] = "";
	size_t used = 0;

	figures_subtract(&d, &now->total, &before->total);
	for (size_t i = 0; i < count && used < sizeof(line); i++) {
		const struct rawcache_latency *l = figures_histogram(&d, &latencies[i]);
		char p50[TEXT_LENGTH], p99[TEXT_LENGTH];

		if (!figures_samples(l))
			l = figures_histogram(&now->total, &latencies[i]);
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s %s / %s",
					 i ? "   " : "", (int)strcspn(latencies[i].name, "_"),
					 latencies[i].name,
					 text_duration(rawcache_latency_percentile(l, 50), p50),
					 text_duration(rawcache_latency_percentile(l, 99), p99));
	}
	line_draw(5, "latency, median / 99th percentile:  %s", line);
}

static const struct rawcache_process *process_find(const struct sample *sample,
						   const struct rawcache_process *process)
{
	for (size_t i = 0; i < sample->count; i++) {
		const struct rawcache_process *p = &sample->processes[i];

		if (p->slot == process->slot && p->pid == process->pid &&
		    p->attached == process->attached)
			return p;
	}
	return NULL;
}

static void process_draw(int line, const struct rawcache_process *process,
			 const struct rawcache_process *earlier, uint64_t ns)
{
	const struct rawcache_stats *stats = &process->stats;
	struct rawcache_stats d = { 0 };
	char t[8][TEXT_LENGTH];

	if (earlier)
		figures_subtract(&d, stats, &earlier->stats);
	line_draw(line, "%8u %-15s %8s %8s %7s %9s %9s %9s %9s %8s", process->pid, process->command,
		  text_count(figures_rate(d.hits, ns), t[0]),
		  text_count(figures_rate(d.misses, ns), t[1]),
		  text_ratio(stats->hits, stats->misses, t[2]),
		  text_bytes(figures_rate(figures_from_cache(&d), ns), t[3]),
		  text_bytes(figures_rate(d.origin_bytes, ns), t[4]),
		  text_bytes(figures_from_cache(stats), t[5]),
		  text_bytes(stats->origin_bytes, t[6]), text_count(figures_bypassed(stats), t[7]));
}

static void processes_draw(int line, const struct sample *now, const struct sample *before)
{
	uint64_t ns = now->when - before->when;

	curses.attron(A_REVERSE);
	line_draw(line, "%8s %-15s %8s %8s %7s %9s %9s %9s %9s %8s", "PID", "COMMAND", "HITS/s",
		  "MISSES/s", "RATIO", "CACHE/s", "ORIGIN/s", "CACHE", "ORIGIN", "PAST");
	curses.attroff(A_REVERSE);
	for (size_t i = 0; i < now->count && line + 2 + (int)i < *curses.lines; i++)
		process_draw(line + 1 + (int)i, &now->processes[i],
			     process_find(before, &now->processes[i]), ns);
}

void top_view_draw(const struct top_view *view, const char *path, struct sample *now,
		   const struct sample *before)
{
	int line = 7;

	sorting = view;
	if (now->count)
		qsort(now->processes, now->count, sizeof(*now->processes), compare_processes);
	curses.erase();
	title_draw(path, now);
	totals_draw(now, before);
	latencies_draw(now, before);
	if (!view->plain && *curses.lines >= PICTURE_LINES) {
		line = bars_draw(line, &view->history) + 1;
		line = map_draw(line, *curses.lines / 6, view->image.region,
				view->image.region_count) +
		       1;
	}
	processes_draw(line, now, before);
	line_draw(*curses.lines > 8 ? *curses.lines - 1 : *curses.lines,
		  "q quit   s sort (%s)   r reverse   p pictures", order_names[view->order]);
	curses.refresh();
}
