/* SPDX-License-Identifier: MIT */
/* rawcache verify: read all that is cached and compare it with its checksums. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/text.h"

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int verify_parse(const char **path, bool *json, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jh", longs)) != -1) {
		if (c == 'c')
			*path = optarg;
		else if (c == 'j')
			*json = true;
		else
			status = option_rest(&command_verify, c, argv, longs);
	}
	return status == GO_ON ? option_no_operands(&command_verify, argc, argv) : status;
}

static void verify_json(const struct rawcache_verify_result *result)
{
	struct json json;

	json_document(&json, stdout);
	json_number(&json, "extents", result->extents);
	json_number(&json, "bytes", result->bytes);
	json_number(&json, "bad", result->bad);
	json_number(&json, "broken", result->broken);
	json_document_end(&json);
}

static void verify_text(const struct rawcache_verify_result *result)
{
	char text[TEXT_LENGTH];

	printf("%llu extents, %s: %llu with a wrong checksum, %llu outside the image\n",
	       (unsigned long long)result->extents, text_bytes(result->bytes, text),
	       (unsigned long long)result->bad, (unsigned long long)result->broken);
}

static int verify_print(const struct rawcache_verify_result *result, bool json)
{
	uint64_t bad = result->bad + result->broken;

	if (json)
		verify_json(result);
	else
		verify_text(result);
	if (!bad)
		return STATUS_OK;
	return say_refusal("%llu bad %s dropped, their files will be read from the origin; "
			   "if this happens again, distrust the disk",
			   (unsigned long long)bad, bad == 1 ? "entry was" : "entries were");
}

static int verify_all(const struct target *target, struct rawcache *cache, bool json)
{
	struct rawcache_verify_result result;
	struct progress progress;
	int err;

	progress_begin(&progress, "verified", false);
	err = rawcache_verify(cache, &result, progress_show, &progress);
	progress_end(&progress);
	if (err)
		return target_failed(target, "verify", err);
	return verify_print(&result, json);
}

static int verify_main(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;
	struct target target;
	struct rawcache *cache;
	int status = verify_parse(&path, &json, argc, argv);

	if (status == GO_ON)
		status = target_enter(&target, path, TARGET_ATTACH, &cache);
	if (status != GO_ON)
		return status;
	status = verify_all(&target, cache, json);
	target_leave(&target, cache);
	return status;
}

/* clang-format off */
const struct command command_verify = {
	.name = "verify",
	.run = verify_main,
	.options = longs,
	.summary = "compare everything cached with its checksums",
	.help =
		"Usage: rawcache verify [OPTION]...\n"
		"\n"
		"Read everything that is cached and compare it with its checksums. What is wrong is\n"
		"dropped, and the status is 1. Programs may use the image meanwhile.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --json         for programs\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
