/* SPDX-License-Identifier: MIT */
/* rawcache info: what an image is and how full it is. */
#include <string.h>

#include "cli/command.h"
#include "cli/option.h"
#include "cli/report.h"
#include "cli/say.h"

struct info_options {
	const char *cache;
	bool json;
	struct report_style style;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int info_option(struct info_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'j':
		options->json = true;
		return GO_ON;
	case 'b':
		options->style.exact = true;
		return GO_ON;
	default:
		return option_rest(&command_info, c, argv, longs);
	}
}

static int info_parse(struct info_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jbh", longs)) != -1)
		status = info_option(options, c, argv);
	return status == GO_ON ? option_no_operands(&command_info, argc, argv) : status;
}

/* Counts what is used; without that, where one cannot attach, the rest is still worth showing. */
static bool info_row_count(const struct target *target, struct rawcache_image_info *info)
{
	struct rawcache_image_info counted;
	struct rawcache *cache;
	int err;

	if (target_attach(target, TARGET_LOOK, &cache) != GO_ON)
		return false;
	err = rawcache_info(cache, &counted, sizeof(counted));
	rawcache_detach(cache);
	if (err) {
		target_failed(target, "count what is used of", err);
		return false;
	}
	*info = counted;
	return true;
}

static int info_print(const struct target *target, const struct info_options *options)
{
	struct rawcache_image_info info;
	int status = target_info(target, &info);
	bool used;

	if (status != GO_ON)
		return status;
	status = STATUS_OK;
	used = info_row_count(target, &info);
	if (options->json)
		report_json_image(target->path, &info, used);
	else
		status = report_image(target->path, &info, used, &options->style);
	return used ? status : STATUS_REFUSED;
}

static int info_main(int argc, char **argv)
{
	struct info_options options = { 0 };
	struct target target;
	int status = info_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	status = info_print(&target, &options);
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_info = {
	.name = "info",
	.run = info_main,
	.options = longs,
	.summary = "describe an image and tell how full it is",
	.help =
		"Usage: rawcache info [OPTION]...\n"
		"\n"
		"Describe an image: its layout, what it found out about its file system when it was\n"
		"formatted, and how much of it is used.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --json         as JSON\n"
		"  -b, --bytes        bytes as numbers, not as 1.5G\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
