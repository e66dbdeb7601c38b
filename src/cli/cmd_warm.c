/* SPDX-License-Identifier: MIT */
/* rawcache warm: read files into the cache before somebody needs them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/fdpath.h"
#include "base/sys.h"
#include "cli/command.h"
#include "cli/filelist.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/text.h"
#include "cli/warm_frozen.h"

#define JOBS_MAX 64
#define PIECE (256u << 10)

struct warm_options {
	const char *cache;
	uint64_t jobs;
	bool dry, frozen, json;
};

/* Shared by the jobs. */
struct warm {
	struct rawcache *cache;
	struct filelist list;
	size_t next;   /* the next file to take */
	uint64_t done; /* bytes that were cached before or read now */
	uint64_t read; /* bytes that were read now */
	uint32_t running;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "jobs", required_argument, NULL, 'j' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'J' },
	{ "frozen", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int warm_option(struct warm_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'n':
		options->dry = true;
		return GO_ON;
	case 'J':
		options->json = true;
		return GO_ON;
	case 'f':
		options->frozen = true;
		return GO_ON;
	case 'j':
		return option_count(&command_warm, "--jobs", optarg, &options->jobs);
	default:
		return option_rest(&command_warm, c, argv, longs);
	}
}

static int warm_parse(struct warm_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:j:nh", longs)) != -1)
		status = warm_option(options, c, argv);
	if (status != GO_ON)
		return status;
	if (optind == argc)
		return say_usage("warm", "name the files and directories to read");
	if (options->dry && options->frozen)
		return say_usage("warm",
				 "--frozen and --dry-run do not go together; leave one out");
	if (!options->jobs || options->jobs > JOBS_MAX)
		return say_usage("warm", "--jobs is a number from 1 to %d", JOBS_MAX);
	return GO_ON;
}

/* --- the jobs */

static int warm_open(struct warm *warm, struct filelist_file *file, int *fd)
{
	char self[FDPATH_BYTES];
	char path[PATH_MAX];
	struct statx stx;
	ssize_t n;
	int err;

	*fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		return -errno;
	fdpath(self, *fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	err = sys_fstatx(*fd, &stx);
	return err ? err : rawcache_file_open(warm->cache, *fd, path, &stx, &file->handle, NULL);
}

/* Read what is not cached yet, and leave the rest alone. */
static int warm_read(struct warm *warm, const struct filelist_file *file, int fd, char *buf)
{
	uint64_t size = rawcache_file_size(warm->cache, file->handle);

	/* chunks must lie side by side from the first one on */
	rawcache_file_advise(warm->cache, file->handle, fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (uint64_t at = 0; at < size; at += PIECE) {
		uint64_t n = min_u64(PIECE, size - at);
		ssize_t got = (ssize_t)n;

		if (rawcache_file_cached(warm->cache, file->handle, at, n) < n) {
			got = rawcache_file_read(warm->cache, file->handle, fd, buf, n, at);
			fetch_add(&warm->read, got > 0 ? (uint64_t)got : 0);
		}
		if (got < 0)
			return (int)got;
		fetch_add(&warm->done, (uint64_t)got);
	}
	return 0;
}

static void *warm_job(void *arg)
{
	struct warm *warm = arg;
	char *buf = malloc(PIECE);
	size_t i;

	while (buf && (i = fetch_add(&warm->next, 1)) < warm->list.count) {
		struct filelist_file *file = &warm->list.file[i];
		int fd = -1;

		file->err = warm_open(warm, file, &fd);
		if (!file->err)
			file->err = warm_read(warm, file, fd, buf);
		if (fd >= 0)
			close(fd);
	}
	free(buf);
	fetch_sub(&warm->running, 1);
	return NULL;
}

/* --- progress */

static void warm_watch(const struct warm *warm)
{
	struct progress progress;

	progress_begin(&progress, "read", true);
	while (load_acquire(&warm->running)) {
		usleep(20000);
		progress_step(&progress, load_relaxed(&warm->done), warm->list.bytes,
			      load_relaxed(&warm->read));
	}
	progress_end(&progress);
}

/* --- the whole */

static int warm_start(struct warm *warm, const struct warm_options *options)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (uint64_t i = 0; i < options->jobs && !err; i++) {
		fetch_add(&warm->running, 1);
		err = pthread_create(&thread, &attr, warm_job, warm);
		if (err)
			fetch_sub(&warm->running, 1);
	}
	pthread_attr_destroy(&attr);
	if (!load_acquire(&warm->running) && err)
		return say_refusal(
			"cannot start a thread: %s; take fewer --jobs, or raise the limit (ulimit -u)",
			strerror(err));
	return GO_ON;
}

static void file_complain(const struct filelist_file *file)
{
	if (file->err == -EAGAIN)
		say_warning(
			"%s changed just now and is not stored yet; try again in a moment, or lower RAWCACHE_SETTLE",
			file->path);
	else
		filelist_unreadable(file->path, -file->err);
}

static void warm_json(const struct warm *warm, uint64_t cached, size_t failed)
{
	struct json json;

	json_document(&json, stdout);
	json_number(&json, "files", warm->list.count);
	json_number(&json, "size", warm->list.bytes);
	json_number(&json, "cached", cached);
	json_number(&json, "read", warm->read);
	json_number(&json, "failed", failed);
	json_document_end(&json);
}

static void warm_print(const struct warm *warm, const struct warm_options *options, uint64_t cached,
		       size_t failed)
{
	const char *files = warm->list.count == 1 ? "file" : "files";
	char a[TEXT_LENGTH], b[TEXT_LENGTH], c[TEXT_LENGTH];

	if (options->json)
		warm_json(warm, cached, failed);
	else if (options->dry)
		printf("%zu %s, %s, of which %s are cached\n", warm->list.count, files,
		       text_bytes(warm->list.bytes, a), text_bytes(cached, b));
	else
		printf("%zu %s, %s: %s are cached, %s were read now\n", warm->list.count, files,
		       text_bytes(warm->list.bytes, a), text_bytes(cached, b),
		       text_bytes(warm->read, c));
}

/* Count again at the end: files that were read first may have been evicted by those that were read last. */
static int warm_report(struct warm *warm, const struct warm_options *options)
{
	uint64_t cached = 0;
	size_t failed = warm->list.unreadable;
	char text[TEXT_LENGTH];

	for (size_t i = 0; i < warm->list.count; i++) {
		const struct filelist_file *file = &warm->list.file[i];

		if (file->handle)
			cached += rawcache_file_cached(warm->cache, file->handle, 0, file->size);
		if (!file->err)
			continue;
		failed++;
		file_complain(file);
	}
	warm_print(warm, options, cached, failed);
	if (failed)
		return STATUS_REFUSED;
	if (cached < warm->list.bytes)
		return say_refusal(
			"%s did not fit into the image or were not stored; if `rawcache info` "
			"shows that it is full, make a larger one with `rawcache format`",
			text_bytes(warm->list.bytes - cached, text));
	return STATUS_OK;
}

/* What would have to be read. */
static int warm_dry(struct warm *warm, const struct warm_options *options)
{
	uint64_t cached = 0;

	for (size_t i = 0; i < warm->list.count; i++) {
		struct filelist_file *file = &warm->list.file[i];
		int fd = -1;

		file->err = warm_open(warm, file, &fd);
		if (!file->err)
			cached += rawcache_file_cached(warm->cache, file->handle, 0, file->size);
		if (fd >= 0)
			close(fd);
	}
	warm_print(warm, options, cached, warm->list.unreadable);
	return warm->list.unreadable ? STATUS_REFUSED : STATUS_OK;
}

static int warm_all(struct warm *warm, const struct warm_options *options)
{
	int status;

	if (options->dry)
		return warm_dry(warm, options);
	status = warm_start(warm, options);
	if (status != GO_ON)
		return status;
	warm_watch(warm);
	rawcache_settle(); /* the last chunks are on their way to the image */
	return warm_report(warm, options);
}

static int warm_list(struct warm *warm, const struct warm_options *options,
		     const struct target *target, char **dirs)
{
	int status = GO_ON;

	for (; *dirs && status == GO_ON; dirs++) {
		if (options->frozen)
			status = warm_frozen_record(target, *dirs, (unsigned int)options->jobs,
						    !options->json);
		if (status == GO_ON)
			status = filelist_add(&warm->list, *dirs);
	}
	if (options->frozen)
		warm_frozen_shorten(&warm->list);
	return status;
}

static int warm_main(int argc, char **argv)
{
	struct warm_options options = { .jobs = 4 };
	struct warm warm = { .cache = NULL };
	struct target target;
	int status = warm_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	status = warm_list(&warm, &options, &target, argv + optind);
	if (status == GO_ON)
		status = target_attach(&target, options.dry ? TARGET_LOOK : TARGET_CHANGE,
				       &warm.cache);
	if (status == GO_ON) {
		status = warm_all(&warm, &options);
		rawcache_detach(warm.cache);
	}
	target_close(&target);
	filelist_fini(&warm.list);
	return status;
}

/* clang-format off */
const struct command command_warm = {
	.name = "warm",
	.run = warm_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "read files into the cache ahead of time",
	.help =
		"Usage: rawcache warm [OPTION]... PATH...\n"
		"\n"
		"Read files, and all files below directories, into the cache. What is cached already is\n"
		"not read again, so that it can be interrupted and go on. Tells at the end how much of\n"
		"them is cached; the status is 1 if that is not all.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --jobs N       files that are read at the same time; default 4\n"
		"      --frozen       record the names, attributes and small files of the directories, too,\n"
		"                     for `rawcache run --frozen`: they are one version from now on, until\n"
		"                     `rawcache thaw`; larger files are read into the cache\n"
		"  -n, --dry-run      tell how much there is, and how much of it is cached\n"
		"      --json         for programs\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
