/* SPDX-License-Identifier: MIT */
/* rawcache doctor: whether a program can be served from the cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/binary.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/library.h"
#include "cli/option.h"
#include "cli/pathlist.h"
#include "cli/preload.h"
#include "cli/say.h"

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	{ "path", required_argument, NULL, 'p' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int doctor_parse(const char **cache, struct pathlist *paths, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, "+:c:p:jh", longs)) != -1) {
		if (c == 'c')
			*cache = optarg;
		else if (c == 'p')
			status = pathlist_add(paths, optarg, false, "--path");
		else if (c == 'j')
			doctor_report_json();
		else
			status = option_rest(&command_doctor, c, argv, longs);
	}
	if (status == GO_ON && optind == argc)
		return say_usage("doctor", "no program given; name the one to look at");
	return status;
}

/* --- variables: `run` refuses wrong values, so they are failures here */

static void variable_wrong(void *arg, const char *name, const char *value, const char *why)
{
	doctor_fail(arg, "%s=%s %s", name, value ? value : "", why);
}

static void variable_unknown(void *arg, const char *name, const char *value, const char *why)
{
	(void)arg;
	(void)value;
	doctor_warn("%s %s", name, why);
}

static int variables_look(struct doctor *doctor)
{
	int complaints = config_load(&doctor->target.config, variable_wrong, doctor);

	if (complaints < 0)
		return say_memory();
	if (!config_report_unknown(variable_unknown, NULL) && !complaints)
		doctor_ok("the variables are right");
	if (doctor->target.config.disable)
		doctor_fail(doctor, "RAWCACHE_DISABLE is set");
	return GO_ON;
}

static int doctor_all(struct doctor *doctor, const char *cache, struct pathlist *paths,
		      const char *program)
{
	int status = variables_look(doctor);

	if (status == GO_ON)
		status = target_choose(&doctor->target, cache);
	if (status == GO_ON)
		status = pathlist_add_list(paths, doctor->target.config.paths, "RAWCACHE_PATHS");
	if (status != GO_ON)
		return status;
	fflush(stdout);
	if (preload_find(doctor->preload, sizeof(doctor->preload)) != GO_ON) {
		*doctor->preload = '\0';
		doctor_fail(doctor, "the preload object is not found");
	}
	if (*doctor->preload && !preload_fits(doctor->preload))
		doctor_fail(
			doctor,
			"the preload object %s is of another version than this command, and programs that have it "
			"go past the cache while others use the image; install both of one version",
			doctor->preload);
	doctor_program(doctor, program);
	doctor_system(doctor);
	doctor_mounts(doctor, paths->text);
	doctor_tier(doctor);
	return doctor->failures ? STATUS_REFUSED : STATUS_OK;
}

static int doctor_main(int argc, char **argv)
{
	struct doctor doctor = { .failures = 0 };
	struct pathlist paths = { .text = NULL };
	const char *cache = NULL;
	int status = doctor_parse(&cache, &paths, argc, argv);

	if (status == GO_ON && !binary_load())
		status = library_refuse("doctor", BINARY_LIBRARY);
	if (status == GO_ON) {
		doctor_report_begin(argv[optind]);
		status = doctor_all(&doctor, cache, &paths, argv[optind]);
		doctor_report_end(&doctor);
	}
	pathlist_fini(&paths);
	target_close(&doctor.target);
	return status;
}

/* clang-format off */
const struct command command_doctor = {
	.name = "doctor",
	.run = doctor_main,
	.options = longs,
	.operands = OPERANDS_PROGRAM,
	.summary = "tell whether a program can be served",
	.help =
		"Usage: rawcache doctor [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
		"\n"
		"Look at what `rawcache run PROGRAM` would meet, without running it: the program or\n"
		"the interpreter of a script, its libraries, the variables, the image, the kernel, and\n"
		"the mounts of the directories to cache.\n"
		"One line for each finding: ok, warn (some of its reads come from the origin) or fail\n"
		"(all of them do). The status is 0 when nothing fails, else 1.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"  -p, --path DIR     a directory to cache, too: what its mount allows for names, and\n"
		"                     which of the mount's options would help\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --json         for programs\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache doctor nginx\n",
};
/* clang-format on */
