/* SPDX-License-Identifier: MIT */
/* rawcache export: the statistics for Prometheus, as a server or as a file. */
#include <time.h>

#include "cli/command.h"
#include "cli/export.h"
#include "cli/option.h"
#include "cli/outfile.h"
#include "cli/say.h"

#define STEP_MS 1000u /* between two looks, at first: see history_note() */

struct export_options {
	const char *cache, *listen, *textfile;
	uint64_t interval_ms; /* 0: once */
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "listen", required_argument, NULL, 'l' },
	{ "textfile", required_argument, NULL, 't' },
	{ "interval", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int export_option(struct export_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'l':
		options->listen = optarg;
		return GO_ON;
	case 't':
		options->textfile = optarg;
		return GO_ON;
	case 'i':
		return option_seconds(&command_export, "--interval", optarg, &options->interval_ms);
	default:
		return option_rest(&command_export, c, argv, longs);
	}
}

static int export_parse(struct export_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:l:t:i:h", longs)) != -1)
		status = export_option(options, c, argv);
	if (status == GO_ON)
		status = option_no_operands(&command_export, argc, argv);
	if (status != GO_ON)
		return status;
	if (!options->listen == !options->textfile)
		return say_usage("export", "give one of --listen ADDRESS:PORT and --textfile FILE");
	if (options->interval_ms && options->listen)
		return say_usage("export",
				 "--interval goes with --textfile only: a server is asked when "
				 "figures are wanted");
	return GO_ON;
}

static int textfile_write(const struct exporter *exporter, const char *path)
{
	struct outfile file;
	int status = outfile_open(&file, path, "the text file");

	if (status != GO_ON)
		return status;
	export_metrics(exporter, file.out, false);
	return outfile_commit(&file);
}

static int export_textfile(const struct exporter *exporter, const struct export_options *options)
{
	struct timespec pause = { (time_t)(options->interval_ms / 1000),
				  (long)(options->interval_ms % 1000) * 1000000 };
	int status;

	do
		status = textfile_write(exporter, options->textfile);
	while (status == GO_ON && options->interval_ms && !nanosleep(&pause, NULL));
	return status == GO_ON ? STATUS_OK : status;
}

static int export_main(int argc, char **argv)
{
	struct exporter exporter = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct export_options options = { 0 };
	struct target target;
	int status = export_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	exporter.target = &target;
	status = history_init(&exporter.history, STEP_MS);
	if (status == GO_ON)
		status = options.listen ? export_serve(&exporter, options.listen) :
					  export_textfile(&exporter, &options);
	history_fini(&exporter.history);
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_export = {
	.name = "export",
	.run = export_main,
	.options = longs,
	.summary = "give the statistics to Prometheus",
	.help =
		"Usage: rawcache export [OPTION]...\n"
		"\n"
		"Serve the statistics of an image over HTTP: /metrics for Prometheus, in its text\n"
		"format or as OpenMetrics, whichever is asked for, and / for people. Or write them\n"
		"into a file that node_exporter reads. An image that cannot be used is told by\n"
		"rawcache_up 0 and the reason. There are no passwords: listen on 127.0.0.1 or on a\n"
		"unix socket, or have a proxy in front.\n"
		"\n"
		"  -l, --listen ADDR    ADDRESS:PORT, port 0 for any, or unix:PATH; ends at SIGTERM\n"
		"  -t, --textfile FILE  write FILE, which is replaced as a whole, and end\n"
		"  -i, --interval SECS  ... and write it again every SECS seconds instead\n"
		"  -c, --cache IMAGE    image file or block device; default RAWCACHE_DEVICE, else\n"
		"                       ~/.cache/rawcache/cache.img\n"
		"      --profile NAME   with the settings that `rawcache setup NAME` wrote\n"
		"  -h, --help           this text\n"
		"\n"
		"  rawcache export --listen 127.0.0.1:9469\n",
};
/* clang-format on */
