/* SPDX-License-Identifier: MIT */
/* rawcache drop: forget what is cached. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rawcache/tree.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/text.h"

struct drop_options {
	const char *cache;
	bool yes, json;
	char **paths;
	int path_count;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "all", no_argument, NULL, 'a' },
	{ "yes", no_argument, NULL, 'y' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int drop_option(struct drop_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'a':
	case 'y':
		options->yes = true;
		return GO_ON;
	case 'j':
		options->json = true;
		return GO_ON;
	default:
		return option_rest(&command_drop, c, argv, longs);
	}
}

static int drop_parse(struct drop_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:ayjh", longs)) != -1)
		status = drop_option(options, c, argv);
	options->paths = argv + optind;
	options->path_count = argc - optind;
	return status;
}

static void path_print(struct json *json, const char *path, uint64_t files, uint64_t bytes)
{
	char text[TEXT_LENGTH];

	if (!json) {
		printf("forgot %llu %s, %s\n", (unsigned long long)files,
		       files == 1 ? "file" : "files", text_bytes(bytes, text));
		return;
	}
	json_open(json, NULL, '{');
	json_string(json, "path", path);
	json_number(json, "files", files);
	json_number(json, "bytes", bytes);
	json_close(json, '}');
}

/*
 * Drop the files at or below a path, whether it still exists or not. Prints to `json`; if NULL, for people.
 * A status.
 */
static int drop_path(const struct target *target, struct rawcache *cache, const char *path,
		     struct json *json)
{
	char *real = realpath(path, NULL);
	struct progress progress;
	uint64_t files = 0;
	uint64_t bytes = 0;
	int err;

	if (!real && *path != '/')
		return say_refusal("there is no %s here; a file that is gone needs its whole path",
				   path);
	progress_begin(&progress, "looked through", false);
	err = rawcache_drop_path(cache, real ? real : path, &files, &bytes, progress_show,
				 &progress);
	progress_end(&progress);
	free(real);
	if (err == -EAGAIN)
		return say_refusal(
			"cannot forget all of %s: a process that uses the cache is stopped; "
			"let it go on, and try again",
			path);
	if (err)
		return target_failed(target, "forget files in", err);
	path_print(json, path, files, bytes);
	return STATUS_OK;
}

static int drop_paths(struct rawcache *cache, const struct drop_options *options,
		      const struct target *target)
{
	struct json json;
	int status = STATUS_OK;

	if (options->json) {
		json_document(&json, stdout);
		json_open(&json, "paths", '[');
	}
	for (int i = 0; i < options->path_count && status == STATUS_OK; i++)
		status = drop_path(target, cache, options->paths[i], options->json ? &json : NULL);
	if (options->json) {
		json_close(&json, ']');
		json_document_end(&json);
	}
	return status;
}

static int drop_agree(const struct drop_options *options, const struct target *target,
		      const struct rawcache_image_info *info)
{
	char text[TEXT_LENGTH];

	if (options->yes)
		return GO_ON;
	if (!isatty(STDIN_FILENO))
		return say_refusal(
			"drop forgets everything in %s; say --yes to do so without being "
			"asked",
			target->path);
	if (say_ask("forget all %llu extents (%s) in %s?", (unsigned long long)info->used_entries,
		    text_bytes(info->used_bytes, text), target->path))
		return GO_ON;
	return say_refusal("nothing was forgotten; answer y to forget it");
}

static void all_print(const struct rawcache_image_info *info, bool as_json)
{
	char text[TEXT_LENGTH];
	struct json json;

	if (!as_json) {
		printf("forgot %llu extents, %s\n", (unsigned long long)info->used_entries,
		       text_bytes(info->used_bytes, text));
		return;
	}
	json_document(&json, stdout);
	json_number(&json, "extents", info->used_entries);
	json_number(&json, "bytes", info->used_bytes);
	json_document_end(&json);
}

static int drop_all(struct rawcache *cache, const struct drop_options *options,
		    const struct target *target)
{
	struct rawcache_image_info info;
	int status;
	int err = rawcache_info(cache, &info, sizeof(info));

	if (err)
		return target_failed(target, "count what is in", err);
	status = drop_agree(options, target, &info);
	if (status != GO_ON)
		return status;
	err = rawcache_drop_all(cache);
	if (err)
		return target_failed(target, "empty", err);
	all_print(&info, options->json);
	return STATUS_OK;
}

static int drop_main(int argc, char **argv)
{
	struct drop_options options = { 0 };
	struct target target;
	struct rawcache *cache;
	int status = drop_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_enter(&target, options.cache, TARGET_CHANGE, &cache);
	if (status != GO_ON)
		return status;
	status = options.path_count ? drop_paths(cache, &options, &target) :
				      drop_all(cache, &options, &target);
	target_leave(&target, cache);
	return status;
}

/* clang-format off */
const struct command command_drop = {
	.name = "drop",
	.run = drop_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "forget files, or everything, that is cached",
	.help =
		"Usage: rawcache drop [OPTION]... [PATH]...\n"
		"\n"
		"Forget the files at and below PATH, or without one everything that is cached, and tell\n"
		"how much that was. Programs that use the image go on; their next reads of everything go\n"
		"to the origin. Asks first on a terminal before it forgets everything.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -y, --yes, --all   do not ask; needed where there is no terminal\n"
		"  -j, --json         for programs\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
