/* SPDX-License-Identifier: MIT */
/*
 * rawcache setup: three questions (what is slow, where is room, how much of it), the line that
 * follows from the answers, and a profile that keeps them. An option answers its question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rawcache/image.h>

#include "base/checked.h"
#include "base/config.h"
#include "base/size.h"
#include "cli/command.h"
#include "cli/create.h"
#include "cli/option.h"
#include "cli/pathlist.h"
#include "cli/places.h"
#include "cli/profile.h"
#include "cli/say.h"
#include "cli/text.h"

struct setup_asked {
	const char *name;		 /* of the profile */
	const char *path, *cache, *size; /* the options */
	bool yes;
	struct places places;
	struct pathlist paths;
	char image[PATH_MAX];
	bool fallback;	/* it is the default one, which needs no name */
	char bytes[32]; /* as --size takes it; empty: the image is there and has a size */
	char answer[PATH_MAX];
};

/* clang-format off */
static const struct option longs[] = {
	{ "path", required_argument, NULL, 'p' },
	{ "cache", required_argument, NULL, 'c' },
	{ "size", required_argument, NULL, 's' },
	{ "yes", no_argument, NULL, 'y' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int setup_option(struct setup_asked *setup, int c, char **argv)
{
	switch (c) {
	case 'p':
		setup->path = optarg;
		return GO_ON;
	case 'c':
		setup->cache = optarg;
		return GO_ON;
	case 's':
		setup->size = optarg;
		return GO_ON;
	case 'y':
		setup->yes = true;
		return GO_ON;
	default:
		return option_rest(&command_setup, c, argv, longs);
	}
}

static int setup_parse(struct setup_asked *setup, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":p:c:s:yh", longs)) != -1)
		status = setup_option(setup, c, argv);
	if (status != GO_ON)
		return status;
	if (optind + 1 < argc)
		return say_usage("setup", "makes one profile, but was given %s too",
				 argv[optind + 1]);
	setup->name = optind < argc ? argv[optind] : "default";
	if (isatty(STDIN_FILENO) || (setup->path && setup->cache && setup->size))
		return GO_ON;
	return say_usage("setup",
			 "asks on a terminal; without one, answer with --path, --cache and "
			 "--size");
}

/* --- questions */

/*
 * Show the choices and ask; an empty answer stands for the first one, or for `fallback`. GO_ON or a status.
 */
static int question(struct setup_asked *setup, const char *text, const char *fallback)
{
	char bytes[TEXT_LENGTH];

	for (size_t i = 0; i < setup->places.count; i++) {
		const struct place_found *place = &setup->places.place[i];

		fprintf(stderr, "  %zu  %s  (%s%s%s)\n", i + 1, place->path, place->type,
			place->free_bytes ? ", free: " : "",
			place->free_bytes ? text_bytes(place->free_bytes, bytes) : "");
	}
	if (setup->places.count)
		fallback = "1";
	fprintf(stderr, "%s%s%s%s: ", text, *fallback ? " [" : "", fallback, *fallback ? "]" : "");
	if (!fgets(setup->answer, sizeof(setup->answer), stdin))
		return say_refusal(
			"no answer: nothing was set up; answer, or give --path, --cache and --size");
	setup->answer[strcspn(setup->answer, "\n")] = '\0';
	if (!*setup->answer)
		snprintf(setup->answer, sizeof(setup->answer), "%s", fallback);
	return GO_ON;
}

/* A number stands for a line of what was shown. */
static const char *answer_chosen(const struct setup_asked *setup)
{
	char *end;
	unsigned long n = strtoul(setup->answer, &end, 10);

	return *setup->answer && !*end && n && n <= setup->places.count ?
		       setup->places.place[n - 1].path :
		       setup->answer;
}

static int ask_path(struct setup_asked *setup)
{
	int status;

	if (setup->path)
		return pathlist_add(&setup->paths, setup->path, false, "--path");
	places_slow(&setup->places);
	fputs("Which slow directory shall be cached?\n", stderr);
	do {
		status = question(setup, setup->places.count ? "Number, or directory" : "Directory",
				  "");
		if (status != GO_ON)
			return status;
		status = pathlist_add(&setup->paths, answer_chosen(setup), false, "the directory");
	} while (status != GO_ON);
	return status;
}

static int ask_image(struct setup_asked *setup)
{
	int status;

	if (setup->cache)
		return create_absolute(setup->cache, "the image", setup->image,
				       sizeof(setup->image));
	places_fast(&setup->places);
	fputs("Where shall the cache lie? It is one file, or a block device, on a local disk.\n",
	      stderr);
	do {
		const char *image;

		status = question(setup, "Number, file or device", "");
		if (status != GO_ON)
			return status;
		image = answer_chosen(setup);
		setup->fallback = !config_default_device(setup->image, sizeof(setup->image)) &&
				  !strcmp(image, setup->image);
		if (!setup->fallback)
			status = create_absolute(image, "the image", setup->image,
						 sizeof(setup->image));
	} while (status != GO_ON);
	return status;
}

/* Whether an image or a device exists, which has its size. */
static bool image_sized(const struct setup_asked *setup)
{
	struct stat st;

	return !stat(setup->image, &st) && (S_ISBLK(st.st_mode) || st.st_size);
}

static int size_take(struct setup_asked *setup, const char *text)
{
	uint64_t bytes;

	if (size_parse(text, &bytes) || strlen(text) >= sizeof(setup->bytes))
		return say_usage("setup", "%s is not a size such as 500M or 10G", text);
	if (bytes < RAWCACHE_MIN_IMAGE_SIZE)
		return say_usage("setup", "%s is too small: the smallest image has 10M", text);
	strcpy(setup->bytes, text);
	return GO_ON;
}

static int ask_size(struct setup_asked *setup)
{
	char fallback[TEXT_LENGTH];
	uint64_t bytes = create_share(places_free(setup->image));
	int status;

	if (image_sized(setup))
		return GO_ON;
	if (setup->size)
		return size_take(setup, setup->size);
	setup->places.count = 0;
	bytes = max_u64(bytes, RAWCACHE_MIN_IMAGE_SIZE);
	bytes = bytes >> 30 ? round_down(bytes, UINT64_C(1) << 30) :
			      bytes; /* so that it is short */
	do {
		status = question(setup, "How large shall it be?", text_bytes(bytes, fallback));
		if (status != GO_ON)
			return status;
		status = size_take(setup, setup->answer);
	} while (status != GO_ON);
	return status;
}

/* --- answers */

static char *profile_text(const struct setup_asked *setup)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fprintf(out,
		"# for `rawcache run --profile %s`; variables that are set, and options, come "
		"first;\n"
		"# rawcache(7) lists what else can stand here\n"
		"RAWCACHE_PATHS=%s\n",
		setup->name, setup->paths.text);
	if (!setup->fallback)
		fprintf(out, "RAWCACHE_DEVICE=%s\n", setup->image);
	if (*setup->bytes)
		fprintf(out, "RAWCACHE_SIZE=%s\n", setup->bytes);
	return fclose(out) ? NULL : text;
}

static int setup_agree(const struct setup_asked *setup, const struct profile *profile)
{
	const char *how = access(profile->path, F_OK) ? "keep this as" : "replace";

	if (setup->yes || say_ask("%s the profile %s?", how, profile->path))
		return GO_ON;
	if (!isatty(STDIN_FILENO))
		say_note("nothing was written; --yes writes %s", profile->path);
	return STATUS_OK;
}

static int setup_keep(const struct setup_asked *setup, const struct profile *profile)
{
	char *text;
	int status = setup_agree(setup, profile);

	if (status != GO_ON)
		return status;
	text = profile_text(setup);
	status = text ? profile_write(profile, text) : say_memory();
	free(text);
	if (status != GO_ON)
		return status;
	printf("rawcache run --profile %s -- PROGRAM\n", setup->name);
	printf("rawcache stat --profile %s\n", setup->name);
	return STATUS_OK;
}

static void line_print(const struct setup_asked *setup)
{
	printf("rawcache run --path %s", setup->paths.text);
	if (!setup->fallback)
		printf(" --cache %s", setup->image);
	if (*setup->bytes)
		printf(" --size %s", setup->bytes);
	puts(" -- PROGRAM");
	fflush(stdout);
}

static int setup_all(struct setup_asked *setup)
{
	struct profile profile;
	int status = profile_locate(&profile, "setup", setup->name);

	if (status == GO_ON)
		status = ask_path(setup);
	if (status == GO_ON)
		status = ask_image(setup);
	if (status == GO_ON)
		status = ask_size(setup);
	if (status != GO_ON)
		return status;
	line_print(setup);
	return setup_keep(setup, &profile);
}

static int setup_main(int argc, char **argv)
{
	struct setup_asked *setup = calloc(1, sizeof(*setup));
	int status = setup ? setup_parse(setup, argc, argv) : say_memory();

	if (status == GO_ON)
		status = setup_all(setup);
	if (setup)
		pathlist_fini(&setup->paths);
	free(setup);
	return status;
}

/* clang-format off */
const struct command command_setup = {
	.name = "setup",
	.run = setup_main,
	.options = longs,
	.summary = "ask what to cache and where, and write a profile",
	.help =
		"Usage: rawcache setup [OPTION]... [PROFILE]\n"
		"\n"
		"Ask which directory is slow, on which disk there is room and how much of it to take,\n"
		"and print the line that follows. What was answered can be kept in a profile, the file\n"
		"$XDG_CONFIG_HOME/rawcache/PROFILE.conf (~/.config/rawcache/default.conf), for\n"
		"`rawcache run --profile PROFILE`. Nothing else is written, and no image is made.\n"
		"\n"
		"  -p, --path DIR       the directory; this and the next two answer a question\n"
		"  -c, --cache IMAGE    the image file or block device\n"
		"  -s, --size SIZE      its size\n"
		"  -y, --yes            write the profile without asking\n"
		"  -h, --help           this text\n"
		"\n"
		"  rawcache setup --path /mnt/nfs --cache /ssd/cache.img --size 100G --yes training\n",
};
/* clang-format on */
