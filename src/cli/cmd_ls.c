/* SPDX-License-Identifier: MIT */
/* rawcache ls: which files are cached, and how much of each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rawcache/tree.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/text.h"

struct ls_options {
	const char *cache;
	bool json;
	bool exact;
	char **paths;
	int path_count;
};

struct ls_file {
	char *path;
	uint64_t size, cached;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
};

struct ls {
	const struct ls_options *options;
	struct ls_file *file;
	size_t count, room;
	bool failed;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int ls_option(struct ls_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'j':
		options->json = true;
		return GO_ON;
	case 'b':
		options->exact = true;
		return GO_ON;
	default:
		return option_rest(&command_ls, c, argv, longs);
	}
}

static int ls_parse(struct ls_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jbh", longs)) != -1)
		status = ls_option(options, c, argv);
	options->paths = argv + optind;
	options->path_count = argc - optind;
	return status;
}

static bool path_wanted(const struct ls_options *options, const char *path)
{
	for (int i = 0; i < options->path_count; i++) {
		size_t n = strlen(options->paths[i]);

		if (!strncmp(path, options->paths[i], n) &&
		    (!path[n] || path[n] == '/' || (n && options->paths[i][n - 1] == '/')))
			return true;
	}
	return !options->path_count;
}

static bool ls_visit(void *arg, const struct rawcache_cached_file *cached)
{
	struct ls *ls = arg;
	struct ls_file *file;

	if (!path_wanted(ls->options, cached->path))
		return true;
	if (ls->count == ls->room) {
		size_t room = ls->room ? ls->room * 2 : 256;
		struct ls_file *grown = realloc(ls->file, room * sizeof(*grown));

		if (!grown) {
			ls->failed = true;
			return false;
		}
		ls->file = grown;
		ls->room = room;
	}
	file = &ls->file[ls->count];
	file->path = strdup(cached->path);
	file->size = cached->size;
	file->cached = cached->cached;
	file->mtime_sec = cached->mtime_sec;
	file->mtime_nsec = cached->mtime_nsec;
	ls->failed = !file->path;
	ls->count += !ls->failed;
	return !ls->failed;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct ls_file *)a)->path, ((const struct ls_file *)b)->path);
}

/* What is cached is of another state of the file than the one there is now. */
static const char *file_note(const struct ls_file *file)
{
	struct stat st;

	if (stat(file->path, &st))
		return errno == ENOENT ? "gone" : "";
	return (uint64_t)st.st_size == file->size && st.st_mtim.tv_sec == file->mtime_sec &&
			       (uint32_t)st.st_mtim.tv_nsec == file->mtime_nsec ?
		       "" :
		       "old";
}

static void size_cell(const struct ls *ls, struct table *table, uint64_t bytes)
{
	char text[TEXT_LENGTH];

	if (ls->options->exact)
		table_cell(table, "%llu", (unsigned long long)bytes);
	else
		table_cell(table, "%s", text_bytes(bytes, text));
}

static int ls_table(const struct ls *ls)
{
	static const struct table_column columns[] = {
		{ "CACHED", TABLE_RIGHT }, { "OF", TABLE_RIGHT }, { "SHARE", TABLE_RIGHT },
		{ "NOTE", TABLE_LEFT },	   { "FILE", TABLE_LEFT },
	};
	struct table *table = table_new(columns, 5, true);

	if (!table)
		return say_refusal("out of memory");
	for (size_t i = 0; i < ls->count; i++) {
		const struct ls_file *file = &ls->file[i];

		table_line(table);
		size_cell(ls, table, file->cached);
		size_cell(ls, table, file->size);
		table_cell(table, "%.0f%%",
			   file->size ? 100.0 * (double)file->cached / (double)file->size : 0.0);
		table_cell(table, "%s", file_note(file));
		table_cell(table, "%s", file->path);
	}
	return table_print(table);
}

static int ls_json(const struct ls *ls)
{
	struct json json;

	json_init(&json, stdout, true);
	json_open(&json, NULL, '{');
	json_number(&json, "version", 1);
	json_open(&json, "files", '[');
	for (size_t i = 0; i < ls->count; i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "path", ls->file[i].path);
		json_number(&json, "size", ls->file[i].size);
		json_number(&json, "cached", ls->file[i].cached);
		json_boolean(&json, "current", !*file_note(&ls->file[i]));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	json_end(&json);
	return STATUS_OK;
}

static int ls_print(struct rawcache *cache, const struct ls_options *options)
{
	struct ls ls = { .options = options };
	int status = STATUS_OK;

	if (rawcache_list(cache, ls_visit, &ls) || ls.failed)
		status = say_refusal("out of memory");
	qsort(ls.file, ls.count, sizeof(*ls.file), by_path);
	if (status == STATUS_OK)
		status = options->json ? ls_json(&ls) : ls.count ? ls_table(&ls) : STATUS_OK;
	for (size_t i = 0; i < ls.count; i++)
		free(ls.file[i].path);
	free(ls.file);
	return status;
}

/* Canonical names, as the image has them; one that does not exist any more is taken as it is. */
static void paths_resolve(struct ls_options *options)
{
	for (int i = 0; i < options->path_count; i++) {
		char *real = realpath(options->paths[i], NULL);

		if (real)
			options->paths[i] = real; /* until the end of the process */
	}
}

static int ls_main(int argc, char **argv)
{
	struct ls_options options = { 0 };
	struct target target;
	struct rawcache *cache;
	int status = ls_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	paths_resolve(&options);
	status = target_attach(&target, true, &cache);
	if (status == GO_ON) {
		status = ls_print(cache, &options);
		rawcache_detach(cache);
	}
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_ls = {
	.name = "ls",
	.run = ls_main,
	.summary = "which files are cached, and how much of each",
	.help =
		"Usage: rawcache ls [OPTION]... [PATH]...\n"
		"\n"
		"List cached files, all or those at and below PATH, with how much of each is cached.\n"
		"A file that has changed since is `old`, one that does not exist any more is `gone`.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"  -j, --json         for programs\n"
		"  -b, --bytes        exact numbers\n"
		"  -h, --help         this text\n",
};
/* clang-format on */
