/* SPDX-License-Identifier: MIT */
/* rawcache stat: the counters of all processes that ever used an image, in several forms. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/option.h"
#include "cli/page.h"
#include "cli/preload.h"
#include "cli/report.h"
#include "cli/say.h"

#define HEADING_EVERY 20 /* lines */

struct stat_options {
	const char *cache, *html;
	bool json, prometheus, list, per_process;
	uint64_t watch_ms, count; /* 0: not given */
	struct report_style style;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "prometheus", no_argument, NULL, 'P' },
	{ "html", required_argument, NULL, 'H' },
	{ "list", no_argument, NULL, 'l' },
	{ "per-process", no_argument, NULL, 'p' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "watch", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int stat_option(struct stat_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'j':
		options->json = true;
		return GO_ON;
	case 'P':
		options->prometheus = true;
		return GO_ON;
	case 'H':
		options->html = optarg;
		return GO_ON;
	case 'l':
		options->list = true;
		return GO_ON;
	case 'p':
		options->per_process = true;
		return GO_ON;
	case 'b':
		options->style.exact = true;
		return GO_ON;
	case 'w':
		return option_seconds(&command_stat, "--watch", optarg, &options->watch_ms);
	case 'n':
		return option_count(&command_stat, "--count", optarg, &options->count);
	default:
		return option_rest(&command_stat, c, argv, longs);
	}
}

/* Two forms at once, or an option that means nothing in the chosen one. */
static int stat_conflicts(const struct stat_options *options)
{
	if (options->json + options->prometheus + options->per_process + !!options->html > 1)
		return say_usage(
			"stat",
			"--json, --prometheus, --html and --per-process exclude each other; "
			"JSON has the processes in it");
	if (options->html && options->watch_ms && !options->count)
		return say_usage("stat",
				 "--html is written when --watch ends; say when with --count");
	if (options->list &&
	    (options->prometheus || options->per_process || options->html || options->watch_ms))
		return say_usage("stat", "--list goes with --json only");
	if (options->watch_ms && (options->prometheus || options->per_process))
		return say_usage("stat", "--watch goes with the plain form and --json only; "
					 "`rawcache top` watches processes");
	if (options->count && !options->watch_ms)
		return say_usage("stat", "--count says how often --watch looks; give --watch too");
	return GO_ON;
}

static int stat_parse(struct stat_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jlpbw:n:h", longs)) != -1)
		status = stat_option(options, c, argv);
	if (status == GO_ON)
		status = option_no_operands(&command_stat, argc, argv);
	return status == GO_ON ? stat_conflicts(options) : status;
}

static int stat_print(const struct target *target, const struct sample *sample,
		      const struct stat_options *options)
{
	if (options->json)
		report_json(target->path, sample, true);
	else if (options->prometheus)
		report_prometheus(stdout, sample, false);
	else if (options->per_process)
		return report_processes(sample, &options->style);
	else
		return report_totals(sample, &options->style);
	return STATUS_OK;
}

static int stat_once(const struct target *target, const struct stat_options *options)
{
	struct sample sample;
	int status = sample_take(target, &sample);

	if (status != GO_ON)
		return status;
	status = stat_print(target, &sample, options);
	sample_free(&sample);
	return status;
}

static void watch_line(const struct target *target, const struct stat_options *options,
		       const struct sample *now, const struct sample *before, uint64_t line)
{
	if (options->json) {
		report_json(target->path, now, false);
	} else {
		if (line % HEADING_EVERY == 0)
			report_watch_heading();
		report_watch_line(now, before, &options->style);
	}
}

/* Sleep until `*wake`, which moves on by `ms`: intervals do not drift. */
static void interval_wait(struct timespec *wake, uint64_t ms)
{
	wake->tv_sec += (time_t)(ms / 1000);
	wake->tv_nsec += (long)(ms % 1000) * 1000000;
	if (wake->tv_nsec >= 1000000000) {
		wake->tv_nsec -= 1000000000;
		wake->tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, wake, NULL) == EINTR)
		;
}

static int stat_watch(const struct target *target, const struct stat_options *options)
{
	struct sample before, now;
	struct timespec wake;
	int status = sample_take(target, &before);

	if (status != GO_ON)
		return status;
	clock_gettime(CLOCK_MONOTONIC, &wake);
	for (uint64_t line = 0; !options->count || line < options->count; line++) {
		interval_wait(&wake, options->watch_ms);
		status = sample_take(target, &now);
		if (status != GO_ON)
			break;
		watch_line(target, options, &now, &before, line);
		sample_free(&before);
		before = now;
		if (fflush(stdout))
			break; /* main() says it */
	}
	sample_free(&before);
	return status == GO_ON ? STATUS_OK : status;
}

/* --html: the totals; with --watch and --count, what they gained meanwhile. */
static int html_fill(struct page_file *file, const struct stat_options *options)
{
	struct timespec wake;
	int status = page_file_look(file);

	clock_gettime(CLOCK_MONOTONIC, &wake);
	for (uint64_t i = 0; status == GO_ON && i < options->count; i++) {
		interval_wait(&wake, options->watch_ms);
		status = page_file_look(file);
	}
	return status;
}

static int stat_html(const struct target *target, const struct stat_options *options)
{
	struct page_file file;
	int status = page_file_open(&file, target, options->html, options->watch_ms);

	if (status == GO_ON)
		status = html_fill(&file, options);
	if (status == GO_ON)
		status = page_file_write(&file, NULL, 0);
	page_file_close(&file);
	return status == GO_ON ? STATUS_OK : status;
}

static int stat_main(int argc, char **argv)
{
	struct stat_options options = { 0 };
	struct target target;
	int status = stat_parse(&options, argc, argv);

	if (status != GO_ON)
		return status;
	if (options.list && options.json) {
		report_json_list();
		return STATUS_OK;
	}
	if (options.list)
		return report_list();
	status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	preload_judge(NULL);
	if (options.html)
		status = stat_html(&target, &options);
	else if (options.watch_ms)
		status = stat_watch(&target, &options);
	else
		status = stat_once(&target, &options);
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_stat = {
	.name = "stat",
	.run = stat_main,
	.options = longs,
	.summary = "show what the cache did",
	.help =
		"Usage: rawcache stat [OPTION]...\n"
		"\n"
		"Show the counters of an image: the sum over all processes that ever used it, live\n"
		"ones included. Durations are upper bounds of the given percentiles.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --json         all of it, the processes too, as JSON; durations in ns\n"
		"      --prometheus   the text format that Prometheus scrapes\n"
		"      --html FILE    a page with pictures, in one file that needs nothing else; with\n"
		"                     --watch and --count about that time\n"
		"  -p, --per-process  the processes that use the image now\n"
		"  -b, --bytes        bytes as numbers, not as 1.5G\n"
		"  -w, --watch SECS   a line of rates per second every SECS seconds; with --json a\n"
		"                     document per line\n"
		"  -n, --count N      end after N lines of --watch\n"
		"  -l, --list         what is counted; needs no image\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache stat --json | jq .totals.hits\n"
		"  rawcache stat --html cache.html --watch 1 --count 60\n",
};
/* clang-format on */
