/* SPDX-License-Identifier: MIT */
/* rawcache drop: forget what is cached. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/option.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/text.h"

struct drop_options {
	const char *cache;
	bool yes;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	{ "all", no_argument, NULL, 'a' },
	{ "yes", no_argument, NULL, 'y' },
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
	default:
		return option_rest(&command_drop, c, argv, longs);
	}
}

static int drop_parse(struct drop_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:ayh", longs)) != -1)
		status = drop_option(options, c, argv);
	if (status != GO_ON || optind == argc)
		return status;
	return say_usage("drop", "cannot forget %s alone; `rawcache drop --all` forgets everything",
			 argv[optind]);
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
	return say_refusal("nothing was forgotten");
}

static int drop_all(struct rawcache *cache, const struct drop_options *options,
		    const struct target *target)
{
	struct rawcache_image_info info;
	char text[TEXT_LENGTH];
	int status;
	int err = rawcache_info(cache, &info);

	if (err)
		return say_refusal("cannot count what is in %s: %s", target->path, strerror(-err));
	status = drop_agree(options, target, &info);
	if (status != GO_ON)
		return status;
	err = rawcache_drop_all(cache);
	if (err)
		return say_refusal("cannot empty %s: %s", target->path, strerror(-err));
	printf("forgot %llu extents, %s\n", (unsigned long long)info.used_entries,
	       text_bytes(info.used_bytes, text));
	return STATUS_OK;
}

static int drop_main(int argc, char **argv)
{
	struct drop_options options = { 0 };
	struct target target;
	struct rawcache *cache;
	int status = drop_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	status = target_attach(&target, false, &cache);
	if (status == GO_ON) {
		status = drop_all(cache, &options, &target);
		rawcache_detach(cache);
	}
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_drop = {
	.name = "drop",
	.run = drop_main,
	.summary = "forget everything that is cached",
	.help =
		"Usage: rawcache drop [OPTION]...\n"
		"\n"
		"Forget everything that is cached, and tell how much that was. Programs that use the\n"
		"image go on; their next reads go to the origin. Asks first on a terminal.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"  -y, --yes, --all   do not ask; needed where there is no terminal\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
