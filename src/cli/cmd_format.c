/* SPDX-License-Identifier: MIT */
/* rawcache format: make an image. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "cli/command.h"
#include "cli/create.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/say.h"

struct format {
	struct rawcache_format_options options;
	struct config config;
	const char *path;
	uint64_t region, chunk, object;
	bool yes, json, profile;
};

/* clang-format off */
static const struct option longs[] = {
	{ "size", required_argument, NULL, 's' },
	{ "region", required_argument, NULL, 'r' },
	{ "chunk", required_argument, NULL, 'k' },
	{ "object", required_argument, NULL, 'o' },
	{ "shared", no_argument, NULL, 'S' },
	{ "force", no_argument, NULL, 'f' },
	{ "yes", no_argument, NULL, 'y' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* A size of 0 is refused: it stands for the default inside, and nobody would write it to mean that. */
static int size_option(const char *option, uint64_t *size)
{
	int status = option_size(&command_format, option, optarg, size);

	if (status == GO_ON && !*size)
		return say_usage("format", "%s %s is too small; see `rawcache help format`", option,
				 optarg);
	return status;
}

static int format_option(struct format *format, int c, char **argv)
{
	switch (c) {
	case 's':
		return size_option("--size", &format->options.size);
	case 'r':
		return size_option("--region", &format->region);
	case 'k':
		return size_option("--chunk", &format->chunk);
	case 'o':
		return size_option("--object", &format->object);
	case 'S':
		format->options.shared = true;
		return GO_ON;
	case 'f':
		format->options.force = true;
		return GO_ON;
	case 'y':
		format->yes = true;
		return GO_ON;
	case 'j':
		format->json = true;
		return GO_ON;
	default:
		format->profile |= c == OPTION_PROFILE;
		return option_rest(&command_format, c, argv, longs);
	}
}

/* A size for a field of 32 bits; the library says which values it takes. */
static int size_narrow(uint64_t size, const char *option, uint32_t *field)
{
	if (size > UINT32_MAX)
		return say_usage("format", "%s is too large; see `rawcache help format`", option);
	*field = (uint32_t)size;
	return GO_ON;
}

static int format_narrow(struct format *format)
{
	int status = size_narrow(format->region, "--region", &format->options.region_size);

	if (status == GO_ON)
		status = size_narrow(format->chunk, "--chunk", &format->options.chunk_size);
	if (status == GO_ON)
		status = size_narrow(format->object, "--object", &format->options.object_size);
	return status;
}

static int format_parse(struct format *format, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	rawcache_format_options_init(&format->options, sizeof(format->options));
	while (status == GO_ON && (c = option_next(argc, argv, ":s:fyjh", longs)) != -1)
		status = format_option(format, c, argv);
	if (status != GO_ON)
		return status;
	if (optind == argc && !format->profile)
		return say_usage("format", "no image named; give the file or block device to make");
	if (optind + 1 < argc)
		return say_usage("format", "makes one image, but was given %s too",
				 argv[optind + 1]);
	format->path = argv[optind];
	return format_narrow(format);
}

/* GO_ON when there is nothing to lose or the user agrees to lose it. */
static int format_agree(const struct format *format)
{
	struct rawcache_image_info info;
	int err;

	if (format->yes || format->options.force)
		return GO_ON;
	err = rawcache_image_info(format->path, &info, sizeof(info), NULL, 0);
	if (err)
		return GO_ON; /* no image of ours, or nothing: the library checks more closely */
	if (!isatty(STDIN_FILENO))
		return say_refusal("%s is an image already; say --yes to empty it and make a new "
				   "one",
				   format->path);
	if (say_ask("%s is an image already; empty it and make a new one?", format->path))
		return GO_ON;
	return say_refusal("%s is left as it is; answer y, or name another place", format->path);
}

/* Where the runtime segment of an image that is replaced would lie; the image and its size in a profile. */
static int format_configure(struct format *format)
{
	if (config_load(&format->config, NULL, NULL) < 0)
		return say_memory();
	if (!format->path)
		format->path = format->config.device;
	if (!*format->path)
		return say_usage(
			"format",
			"the profile names no image; give the file or block device to make");
	if (format->profile && !format->options.size)
		format->options.size = format->config.size;
	if (*format->config.runtime_dir)
		format->options.runtime_dir = format->config.runtime_dir;
	return GO_ON;
}

/* A new or empty file needs a size; a device has one. */
static int format_size(struct format *format)
{
	struct stat st;

	if (format->options.size)
		return GO_ON;
	if (stat(format->path, &st)) {
		if (errno != ENOENT)
			return say_refusal(
				"cannot look at %s: %s; name a place that this user may use",
				format->path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size) {
		return GO_ON;
	}
	return create_default_size(format->path, &format->options.size);
}

static int format_make(struct format *format)
{
	struct progress progress;
	char message[512] = "";
	int err;

	progress_begin(&progress, "written", true);
	format->options.progress = progress_show;
	format->options.progress_arg = &progress;
	err = rawcache_image_format(format->path, &format->options, message, sizeof(message));
	progress_end(&progress);
	if (!err)
		return GO_ON;
	return create_refused(format->path, message, err);
}

static int format_print(const char *path, bool json)
{
	static const struct report_style style = { .exact = false };
	struct rawcache_image_info info;
	char message[512] = "";
	int err = rawcache_image_info(path, &info, sizeof(info), message, sizeof(message));

	if (!err && !json)
		return report_image(path, &info, false, &style);
	if (!err) {
		report_json_image(path, &info, false);
		return STATUS_OK;
	}
	return say_refusal("the new image %s cannot be read back: %s; make it on another disk",
			   path, *message ? message : strerror(-err));
}

static int format_main(int argc, char **argv)
{
	struct format format = { 0 };
	int status = format_parse(&format, argc, argv);

	if (status == GO_ON)
		status = format_configure(&format);
	if (status == GO_ON)
		status = format_agree(&format);
	if (status == GO_ON)
		status = format_size(&format);
	if (status == GO_ON)
		status = format_make(&format);
	if (status == GO_ON)
		status = format_print(format.path, format.json);
	config_free(&format.config);
	return status;
}

/* clang-format off */
const struct command command_format = {
	.name = "format",
	.run = format_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "make an image",
	.help =
		"Usage: rawcache format [OPTION]... IMAGE\n"
		"       rawcache format --profile NAME [OPTION]...\n"
		"\n"
		"Make an image in a new file, an existing file or a block device, and tell what was\n"
		"made. Sizes take K, M, G and T.\n"
		"\n"
		"  -s, --size SIZE    bytes; default for a new file the smaller of 10G and a tenth of\n"
		"                     the free space, else what the file or device has\n"
		"      --region SIZE  unit of recycling, a power of two from 512K to 64M; default\n"
		"                     32M, a 128th of an image below 4G\n"
		"      --chunk SIZE   unit of caching, 64K, 128K or 256K; default 256K\n"
		"      --object SIZE  what a cached file has on average, for the size of the index;\n"
		"                     default 16K\n"
		"      --shared       let others write it: a new file gets the mode that the umask\n"
		"                     leaves, and its sticky bit says that this is meant\n"
		"      --profile NAME the image and size that `rawcache setup NAME` wrote, as far as the\n"
		"                     command does not say otherwise\n"
		"  -y, --yes          empty an image that is there without asking\n"
		"  -f, --force        overwrite something that is no image, or a newer version's, too;\n"
		"                     what was there is lost\n"
		"  -j, --json         tell what was made as JSON\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache format --size 100G /ssd/cache.img\n",
};
/* clang-format on */
