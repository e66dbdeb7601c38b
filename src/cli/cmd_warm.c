/* SPDX-License-Identifier: MIT */
/* rawcache warm: read files into the cache before somebody needs them. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "cli/command.h"
#include "cli/filelist.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/text.h"
#include "cli/tierlist.h"
#include "cli/warm_frozen.h"
#include "cli/warm_job.h"

#define JOBS_MAX 64 /* each has a buffer: 16 MiB of memory */

struct warm_options {
	const char *cache;
	uint64_t jobs;
	bool dry, frozen, json;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "tier", required_argument, NULL, 'R' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'J' },
	{ "frozen", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int warm_option(struct warm_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'n':
		options->dry = true;
		return GO_ON;
	case 'J':
		options->json = true;
		return GO_ON;
	case 'f':
		options->frozen = true;
		return GO_ON;
	case 'R':
		return tierlist_take("warm", optarg);
	case 'j':
		return option_count(&command_warm, "--jobs", optarg, &options->jobs);
	default:
		return option_rest(&command_warm, c, argv, longs);
	}
}

static int warm_parse(struct warm_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:j:nh", longs)) != -1)
		status = warm_option(options, c, argv);
	if (status != GO_ON)
		return status;
	if (optind == argc)
		return say_usage("warm", "name the files and directories to read");
	if (options->dry && options->frozen)
		return say_usage("warm",
				 "--frozen and --dry-run do not go together; leave one out");
	if (!options->jobs || options->jobs > JOBS_MAX)
		return say_usage("warm", "--jobs is a number from 1 to %d", JOBS_MAX);
	return GO_ON;
}

/* --- progress */

static void warm_watch(const struct warm *warm)
{
	struct progress progress;

	progress_begin(&progress, "read", true);
	while (load_acquire(&warm->running)) {
		usleep(20000);
		progress_step(&progress, load_relaxed(&warm->done), warm->list.bytes,
			      load_relaxed(&warm->read));
	}
	progress_end(&progress);
}

/* --- the whole */

static int warm_start(struct warm *warm, const struct warm_options *options)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (uint64_t i = 0; i < options->jobs && !err; i++) {
		fetch_add(&warm->running, 1);
		err = pthread_create(&thread, &attr, warm_job, warm);
		if (err)
			fetch_sub(&warm->running, 1);
	}
	pthread_attr_destroy(&attr);
	if (!load_acquire(&warm->running) && err)
		return say_refusal(
			"cannot start a thread: %s; take fewer --jobs, or raise the limit (ulimit -u)",
			strerror(err));
	return GO_ON;
}

static void file_complain(const struct filelist *list, const struct filelist_file *file)
{
	int err = warm_error(file);
	char path[PATH_MAX];

	filelist_path(list, file, path); /* cut short if it is too long */
	if (err == -EAGAIN)
		say_warning(
			"%s changed just now and is not stored yet; try again in a moment, or lower RAWCACHE_SETTLE",
			path);
	else
		filelist_unreadable(path, -err);
}

static void warm_json(const struct warm *warm, uint64_t cached, size_t failed)
{
	struct json json;

	json_document(&json, stdout);
	json_number(&json, "files", warm->list.count);
	json_number(&json, "size", warm->list.bytes);
	json_number(&json, "cached", cached);
	json_number(&json, "read", warm->read);
	json_number(&json, "failed", failed);
	json_document_end(&json);
}

static void warm_print(const struct warm *warm, const struct warm_options *options, uint64_t cached,
		       size_t failed)
{
	const char *files = warm->list.count == 1 ? "file" : "files";
	char a[TEXT_LENGTH], b[TEXT_LENGTH], c[TEXT_LENGTH];

	if (options->json)
		warm_json(warm, cached, failed);
	else if (options->dry)
		printf("%zu %s, %s, of which %s are cached\n", warm->list.count, files,
		       text_bytes(warm->list.bytes, a), text_bytes(cached, b));
	else
		printf("%zu %s, %s: %s are cached, %s were read now\n", warm->list.count, files,
		       text_bytes(warm->list.bytes, a), text_bytes(cached, b),
		       text_bytes(warm->read, c));
}

/* Count again at the end: files that were read first may have been evicted by those that were read last. */
static int warm_report(struct warm *warm, const struct warm_options *options)
{
	uint64_t cached = 0;
	size_t failed = warm->list.unreadable;
	char text[TEXT_LENGTH];

	for (size_t i = 0; i < warm->list.count; i++) {
		const struct filelist_file *file = &warm->list.file[i];

		cached += warm_cached(warm, file);
		if (!warm_error(file))
			continue;
		failed++;
		file_complain(&warm->list, file);
	}
	warm_print(warm, options, cached, failed);
	if (failed)
		return STATUS_REFUSED;
	if (cached < warm->list.bytes)
		return say_refusal(
			"%s did not fit into the image or were not stored; if `rawcache info` "
			"shows that it is full, make a larger one with `rawcache format`",
			text_bytes(warm->list.bytes - cached, text));
	return STATUS_OK;
}

/* What would have to be read. */
static int warm_dry(struct warm *warm, const struct warm_options *options)
{
	uint64_t cached = 0;

	for (size_t i = 0; i < warm->list.count; i++) {
		warm_file(warm, &warm->list.file[i], NULL);
		cached += warm_cached(warm, &warm->list.file[i]);
	}
	warm_print(warm, options, cached, warm->list.unreadable);
	return warm->list.unreadable ? STATUS_REFUSED : STATUS_OK;
}

static int warm_all(struct warm *warm, const struct warm_options *options)
{
	int status;

	if (options->dry)
		return warm_dry(warm, options);
	status = warm_start(warm, options);
	if (status != GO_ON)
		return status;
	warm_watch(warm);
	rawcache_settle(); /* the last chunks are on their way to the image */
	return warm_report(warm, options);
}

static int warm_list(struct warm *warm, const struct warm_options *options,
		     const struct target *target, char **dirs)
{
	int status = GO_ON;

	for (; *dirs && status == GO_ON; dirs++) {
		if (options->frozen)
			status = warm_frozen_record(target, *dirs, (unsigned int)options->jobs,
						    !options->json);
		if (status == GO_ON)
			status = filelist_add(&warm->list, *dirs);
	}
	if (options->frozen)
		warm_frozen_shorten(&warm->list);
	return status;
}

static int warm_main(int argc, char **argv)
{
	struct warm_options options = { .jobs = 4 };
	struct warm warm = { .cache = NULL };
	struct target target;
	int status = warm_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	status = tierlist_allowed(&target.config);
	if (status == GO_ON)
		status = warm_list(&warm, &options, &target, argv + optind);
	if (status == GO_ON)
		status = target_attach(&target, options.dry ? TARGET_LOOK : TARGET_CHANGE,
				       &warm.cache);
	if (status == GO_ON) {
		status = warm_all(&warm, &options);
		rawcache_detach(warm.cache);
	}
	target_close(&target);
	filelist_fini(&warm.list);
	return status;
}

/* clang-format off */
const struct command command_warm = {
	.name = "warm",
	.run = warm_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "read files into the cache ahead of time",
	.help =
		"Usage: rawcache warm [OPTION]... PATH...\n"
		"\n"
		"Read files, and all files below directories, into the cache. What is cached already is\n"
		"not read again, so that it can be interrupted and go on. Tells at the end how much of\n"
		"them is cached; the status is 1 if that is not all.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"      --tier SERVERS through the servers that machines share what they read by, and into\n"
		"                     them: HOST:PORT or unix:PATH, separated by commas (RAWCACHE_TIER)\n"
		"  -j, --jobs N       files that are read at the same time; default 4\n"
		"      --frozen       record the names, attributes and small files of the directories, too,\n"
		"                     for `rawcache run --frozen`: they are one version from now on, until\n"
		"                     `rawcache thaw`; larger files are read into the cache\n"
		"  -n, --dry-run      tell how much there is, and how much of it is cached\n"
		"      --json         for programs\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
