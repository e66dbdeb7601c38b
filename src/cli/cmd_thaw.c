/* SPDX-License-Identifier: MIT */
/* rawcache thaw: end a frozen tree, so that programs ask the origin again. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/frozen.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/say.h"
#include "cli/target.h"

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* Canonicalise the path. If the origin is gone, it is taken as it is. */
static void path_canonical(const char *dir, char *path)
{
	if (!realpath(dir, path))
		snprintf(path, PATH_MAX, "%s", dir);
}

static int thaw(const struct target *target, const char *dir)
{
	char path[PATH_MAX], name[PATH_MAX];
	struct frozen frozen;
	int status;
	int err;

	path_canonical(dir, path);
	status = target_frozen_name(target, path, name, sizeof(name));
	if (status != GO_ON)
		return status;
	err = frozen_open(&frozen, name, path);
	if (err == -ENOENT)
		return say_refusal(
			"%s is not frozen for programs that use %s; name their image with --cache",
			path, target->path);
	if (!err) {
		err = frozen_touch(&frozen, name, FROZEN_NONE, FROZEN_WHOLE);
		frozen_close(&frozen);
		if (err)
			return say_refusal(
				"cannot thaw %s: %s; `rawcache warm --frozen` records it anew",
				path, strerror(-err));
	}
	if (unlink(name))
		return say_refusal("cannot remove %s: %s; remove it by hand", name,
				   strerror(errno));
	return STATUS_OK;
}

static int thaw_main(int argc, char **argv)
{
	const char *cache = NULL;
	struct target target;
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:h", longs)) != -1) {
		if (c == 'c')
			cache = optarg;
		else
			status = option_rest(&command_thaw, c, argv, longs);
	}
	if (status == GO_ON && optind == argc)
		status = say_usage(
			"thaw",
			"name the directories that were frozen, as in `rawcache thaw /opt/app`");
	if (status == GO_ON)
		status = target_open(&target, cache);
	if (status != GO_ON)
		return status;
	status = STATUS_OK;
	for (int i = optind; i < argc; i++) {
		int one = thaw(&target, argv[i]);

		status = one ? one : status;
	}
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_thaw = {
	.name = "thaw",
	.run = thaw_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "ask the origin for frozen directories again",
	.help =
		"Usage: rawcache thaw [OPTION]... DIR...\n"
		"\n"
		"End what `rawcache warm --frozen` began: programs ask the origin for names, attributes\n"
		"and small files below each DIR again, those that run already included. What they have\n"
		"open stays as it is.\n"
		"\n"
		"  -c, --cache IMAGE  image file beside which the record lies; default RAWCACHE_DEVICE,\n"
		"                     else ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
