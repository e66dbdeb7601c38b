/* SPDX-License-Identifier: MIT */
/* rawcache set: change what running programs go by. */
#include <stdio.h>
#include <string.h>

#include <rawcache/zerocopy.h>

#include "base/size.h"
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

static int set_parse(const char **cache, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:h", longs)) != -1) {
		if (c == 'c')
			*cache = optarg;
		else
			status = option_rest(&command_set, c, argv, longs);
	}
	if (status != GO_ON || optind == argc - 1)
		return status;
	return say_usage("set", "needs one setting, such as mmap_threshold=128K");
}

/* Parse "mmap_threshold=128K". GO_ON and the bytes, or a status. */
static int setting_parse(const char *text, uint64_t *bytes)
{
	static const char name[] = "mmap_threshold=";
	const char *value = text + sizeof(name) - 1;

	if (strncmp(text, name, sizeof(name) - 1))
		return say_usage("set", "%s is no setting; there is mmap_threshold", text);
	if (!strcmp(value, "auto"))
		*bytes = RAWCACHE_AUTO;
	else if (!strcmp(value, "default"))
		*bytes = 0;
	else if (size_parse(value, bytes) || !*bytes)
		return say_usage("set", "%s is not a size such as 64K, nor auto or default", value);
	return GO_ON;
}

static int set_main(int argc, char **argv)
{
	const char *path = NULL;
	struct rawcache *cache;
	struct target target;
	uint64_t bytes = 0;
	int status = set_parse(&path, argc, argv);
	int err;

	if (status == GO_ON)
		status = setting_parse(argv[optind], &bytes);
	if (status == GO_ON)
		status = target_enter(&target, path, TARGET_CHANGE, &cache);
	if (status != GO_ON)
		return status;
	err = rawcache_set_mmap_threshold(cache, bytes);
	status = err ? target_failed(&target, "change", err) : STATUS_OK;
	target_leave(&target, cache);
	return status;
}

/* clang-format off */
const struct command command_set = {
	.name = "set",
	.run = set_main,
	.options = longs,
	.summary = "change a setting of running programs",
	.help =
		"Usage: rawcache set [OPTION]... mmap_threshold=SIZE|auto|default\n"
		"\n"
		"Change a setting for all programs that use the image, from their next read on and until\n"
		"the machine is started again. Reads of SIZE bytes or more that are the first of their\n"
		"chunk are copied out of the mapped image, smaller ones are read by a system call;\n"
		"socket writes of cached bytes are made by sendfile from SIZE on. \"auto\" follows the\n"
		"measured costs, \"default\" is what each program was started with\n"
		"(RAWCACHE_MMAP_THRESHOLD).\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
