/* SPDX-License-Identifier: MIT */
/*
 * rawcache run: prepare everything a program needs to read through the cache, prove that it
 * works, and become the program.
 *
 * Options stand for environment variables: they are put into the environment first, so that
 * one parser checks both and the program inherits both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "cli/command.h"
#include "cli/create.h"
#include "cli/option.h"
#include "cli/pathlist.h"
#include "cli/preload.h"
#include "cli/profile.h"
#include "cli/program.h"
#include "cli/run_frozen.h"
#include "cli/say.h"
#include "cli/setting.h"
#include "cli/target.h"
#include "cli/text.h"
#include "cli/tierlist.h"
#include "cli/watched.h"

struct run_asked {
	struct target target;
	struct pathlist given;	  /* by --path and --exclude */
	const char *profile_name; /* NULL: none */
	struct profile profile;
	bool stats;
	const char *report; /* file for a page; NULL: none */
	bool plain;	    /* the program runs without the cache */
	bool read_only;	    /* ... or with an image that it may not write */
};

/* clang-format off */
static const struct option longs[] = {
	{ "path", required_argument, NULL, 'p' },
	{ "profile", required_argument, NULL, 'P' },
	{ "exclude", required_argument, NULL, 'x' },
	{ "frozen", required_argument, NULL, 'f' },
	{ "cache", required_argument, NULL, 'c' },
	{ "size", required_argument, NULL, 's' },
	{ "stats", no_argument, NULL, 'S' },
	{ "report", required_argument, NULL, 'r' },
	{ "threshold", required_argument, NULL, 't' },
	{ "ttl", required_argument, NULL, 'T' },
	{ "log", required_argument, NULL, 'l' },
	{ "tier", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static void variable_refuse(void *arg, const char *name, const char *value, const char *why)
{
	const char *option = setting_option(name);
	const struct run_asked *run = arg;

	if (profile_gave(&run->profile, name))
		say_refusal("%s: %s=%s %s; correct it there", run->profile.path, name, value, why);
	else if (option)
		say_usage("run", "%s %s %s", option, value, why);
	else
		say_refusal("%s=%s %s; correct it or unset it", name, value, why);
}

static void run_variable_unknown(void *arg, const char *name, const char *value, const char *why)
{
	(void)arg;
	(void)value;
	say_warning("%s %s", name, why);
}

static int run_option(struct run_asked *run, int c, char **argv)
{
	struct setting *setting;

	switch (c) {
	case 'p':
		return pathlist_add(&run->given, optarg, false, "--path");
	case 'x':
		return pathlist_add(&run->given, optarg, true, "--exclude");
	case 'f':
		return run_frozen_take(&run->given, optarg);
	case 'P':
		run->profile_name = optarg;
		return GO_ON;
	case 'S':
		run->stats = true;
		return GO_ON;
	case 'r':
		run->report = optarg;
		return GO_ON;
	default:
		setting = setting_find(c);
		return setting ? setting_take(setting, optarg) :
				 option_rest(&command_run, c, argv, longs);
	}
}

static int run_options(struct run_asked *run, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, "+:p:x:c:s:t:T:l:h", longs)) != -1)
		status = run_option(run, c, argv);
	if (status != GO_ON)
		return status;
	if (optind == argc)
		return say_usage("run", "no program given; put it behind the options, as in "
					"`rawcache run --path DIR -- PROGRAM`");
	return GO_ON;
}

/* Read and check all variables; those that options stand for are among them. */
static int run_configure(struct run_asked *run)
{
	int complaints = config_load(&run->target.config, variable_refuse, run);

	if (complaints < 0)
		return say_memory();
	config_report_unknown(run_variable_unknown, NULL);
	return complaints ? STATUS_USAGE : GO_ON;
}

/* Merge RAWCACHE_PATHS and the options, all canonical. */
static int run_paths(struct run_asked *run)
{
	struct pathlist all = { 0 };
	int status = pathlist_add_list(&all, run->target.config.paths, "RAWCACHE_PATHS");

	if (status == GO_ON && run->given.text)
		status = pathlist_add_list(&all, run->given.text, "--path");
	if (status == GO_ON && !all.included)
		status = say_usage("run", "no directory to cache; name one with --path DIR or in "
					  "RAWCACHE_PATHS");
	if (status == GO_ON && setenv("RAWCACHE_PATHS", all.text, 1))
		status = say_memory();
	pathlist_fini(&all);
	return status;
}

/* Make a path absolute: the program must find the file whatever its directory is. */
static int file_pin(const char *path, const char *what, const char *variable)
{
	char absolute[PATH_MAX];
	int status = create_absolute(path, what, absolute, sizeof(absolute));

	if (status == GO_ON && setenv(variable, absolute, 1))
		return say_memory();
	return status;
}

static int runtime_dir_check(const char *dir)
{
	struct stat st;

	if (!stat(dir, &st) && S_ISDIR(st.st_mode))
		return file_pin(dir, "the runtime directory", "RAWCACHE_RUNTIME_DIR");
	return say_refusal("RAWCACHE_RUNTIME_DIR names %s, which is no directory; "
			   "create it, or unset the variable to use /dev/shm",
			   dir);
}

static int run_files(const struct config *config)
{
	int status = GO_ON;

	if (*config->log)
		status = file_pin(config->log, "the log", "RAWCACHE_LOG");
	if (status == GO_ON && *config->runtime_dir)
		status = runtime_dir_check(config->runtime_dir);
	return status;
}

/* Warn that --size has no effect on an existing image. */
static void size_warn(const struct run_asked *run)
{
	struct rawcache_image_info info;
	char text[TEXT_LENGTH];

	if (!setting_option("RAWCACHE_SIZE") ||
	    rawcache_image_info(run->target.path, &info, sizeof(info), NULL, 0) ||
	    info.size / info.region_size == run->target.config.size / info.region_size)
		return;
	say_warning(
		"--size is not used: the image %s exists and has %s; `rawcache format` makes it anew",
		run->target.path, text_bytes(info.size, text));
}

/* If the tier would be refused in each program, refuse it here, once. */
static int run_tier(const struct config *config)
{
	int status = tierlist_allowed(config);

	if (status != GO_ON || !*config->tier || config->tier_mode == RAWCACHE_TIER_OFF)
		return status;
	return file_pin(config->tier_key, "the tier's secret", "RAWCACHE_TIER_KEY");
}

/* Find or make the image and use it once, so that a failure shows now and not as slowness. */
static int run_image(struct run_asked *run)
{
	struct rawcache *cache;
	int status = create_if_missing(&run->target);

	if (status == GO_ON)
		status = target_attach(&run->target, TARGET_ATTACH, &cache);
	if (status != GO_ON)
		return status;
	run->read_only = rawcache_read_only(cache);
	rawcache_detach(cache);
	size_warn(run);
	return file_pin(run->target.path, "the image", "RAWCACHE_DEVICE");
}

static int run_preload(void)
{
	char object[PATH_MAX];
	int status = preload_find(object, sizeof(object));
	char *value;

	if (status != GO_ON)
		return status;
	preload_judge(object);
	value = preload_compose(object, getenv("LD_PRELOAD"));
	if (!value || setenv("LD_PRELOAD", value, 1))
		status = say_memory();
	free(value);
	return status;
}

/* musl's loader does not start a program if it cannot load an object that needs glibc. */
static int preload_remove(void)
{
	char *value = preload_compose(NULL, getenv("LD_PRELOAD"));
	int err = !value || (*value ? setenv("LD_PRELOAD", value, 1) : unsetenv("LD_PRELOAD"));

	free(value);
	return err ? say_memory() : GO_ON;
}

/* Root runs a program as a user who has an image: nothing is wrong, and it runs without the cache. */
static int run_foreign(struct run_asked *run)
{
	say_warning(
		"the image %s belongs to another user, who could change what the program reads: "
		"it runs without the cache; name an image of your own with --cache, or set "
		"RAWCACHE_SHARED=1 if you trust them",
		run->target.path);
	run->plain = true;
	return preload_remove();
}

/* A server that root starts becomes another user, who may not open the image, before it opens its files. */
static int run_early(void)
{
	if (!geteuid() && setenv("RAWCACHE_EARLY", "1", 0))
		return say_memory();
	return GO_ON;
}

static int run_program(struct run_asked *run, char **argv)
{
	struct watched watched = { &run->target, run->stats, run->report };
	bool wanted = run->stats || run->report;

	if (wanted && run->read_only)
		say_warning("%s: nothing is counted, for you may only read the image %s; "
			    "ask its owner for the right to write it",
			    run->stats ? "--stats" : "--report", run->target.path);
	else if (wanted && !run->plain)
		return watched_run(&watched, argv);
	fflush(stderr);
	execvp(argv[0], argv);
	return watched_failed(argv[0], errno);
}

/* After the options, which have put their values into the environment already. */
static int run_profile(struct run_asked *run)
{
	int status = GO_ON;

	if (run->profile_name)
		status = profile_locate(&run->profile, "run", run->profile_name);
	if (status == GO_ON && run->profile_name)
		status = profile_apply(&run->profile, run->profile_name);
	return status;
}

static int run_prepare(struct run_asked *run, const char *program)
{
	int status = run_profile(run);

	if (status == GO_ON)
		status = run_configure(run);
	if (status == GO_ON)
		status = run_paths(run);
	if (status != GO_ON)
		return status;
	run->plain = true;
	if (run->target.config.disable) {
		say_warning(
			"RAWCACHE_DISABLE is set: the program runs without the cache; unset it to use the cache");
		return GO_ON;
	}
	if (program_is_musl(program)) {
		say_warning(
			"%s is linked with musl: it runs without the cache; one that is built for glibc would use it",
			program);
		return preload_remove();
	}
	run->plain = false;
	status = run_files(&run->target.config);
	if (status == GO_ON)
		status = run_tier(&run->target.config);
	if (status == GO_ON)
		status = target_choose(&run->target, NULL);
	if (status != GO_ON)
		return status;
	if (target_foreign(&run->target))
		return run_foreign(run);
	status = run_preload();
	if (status == GO_ON)
		status = run_early();
	if (status == GO_ON)
		status = run_image(run);
	return status == GO_ON ? run_frozen_prepare(&run->target) : status;
}

static int run_main(int argc, char **argv)
{
	struct run_asked run = { 0 };
	int status = run_options(&run, argc, argv);

	if (status == GO_ON)
		status = run_prepare(&run, argv[optind]);
	if (status == GO_ON)
		status = run_program(&run, argv + optind);
	pathlist_fini(&run.given);
	target_close(&run.target);
	return status;
}

/* clang-format off */
const struct command command_run = {
	.name = "run",
	.run = run_main,
	.options = longs,
	.operands = OPERANDS_PROGRAM,
	.summary = "run a program that reads through the cache",
	.help =
		"Usage: rawcache run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
		"\n"
		"Run PROGRAM so that the files it reads below the given directories come from the\n"
		"cache. The image is made at first use. Everything is checked before the program\n"
		"starts; once it runs, nothing of the cache can make it fail.\n"
		"\n"
		"  -p, --path DIR       cache the files below DIR; may be given more than once\n"
		"  -x, --exclude DIR    but not those below DIR\n"
		"      --frozen DIR[=TIME]\n"
		"                       cache the files below DIR, which are one version until\n"
		"                       `rawcache thaw DIR`, or for TIME (90s, 10m, 2h, 7d): their names,\n"
		"                       attributes and small files come from a record (RAWCACHE_FROZEN)\n"
		"      --profile NAME   what `rawcache setup NAME` wrote: variables that are not set\n"
		"  -c, --cache IMAGE    image file or block device (RAWCACHE_DEVICE)\n"
		"  -s, --size SIZE      size of the image if it is made now (RAWCACHE_SIZE)\n"
		"      --stats          wait for the program and tell what the cache did meanwhile\n"
		"      --report FILE    the same as a page with pictures, in one HTML file\n"
		"      --threshold SIZE smallest read that is copied from a cold mapping, or auto\n"
		"      --ttl SECONDS    how long stored data count (RAWCACHE_TTL)\n"
		"      --log FILE       write a log (RAWCACHE_LOG)\n"
		"      --tier SERVERS   share what is read with other machines (RAWCACHE_TIER)\n"
		"  -h, --help           this text\n"
		"\n"
		"Directories in RAWCACHE_PATHS are cached too. The status is the program's; 126 when\n"
		"it cannot be executed, 127 when it is not found, 1 and 2 when rawcache refuses.\n"
		"\n"
		"  rawcache run --path /mnt/nfs -- python3 train.py\n"
		"  rawcache run --profile training -- python3 train.py\n",
};
/* clang-format on */
