/* SPDX-License-Identifier: MIT */
/*
 * rawcache du: how much is cached below each directory. The list of files is sorted by name, so
 * that the files of a directory stand together: the directories of the last one are a stack.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/paths.h"
#include "cli/cachedlist.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/target.h"

#define DEPTH_MAX (PATH_MAX / 2) /* no path has more directories: each is a slash and a letter */

struct du_options {
	const char *cache;
	uint64_t depth;
	bool json, exact;
};

struct du_directory {
	char *path;
	uint64_t size, cached, files;
};

struct du {
	struct du_directory *directory;
	size_t count, room;
	size_t stack[DEPTH_MAX + 1]; /* indices of directories; all files lie below the first */
	size_t depth;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "depth", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int du_option(struct du_options *options, int c, char **argv)
{
	switch (c) {
	case 'c':
		options->cache = optarg;
		return GO_ON;
	case 'd':
		return option_count(&command_du, "--depth", optarg, &options->depth);
	case 'j':
		options->json = true;
		return GO_ON;
	case 'b':
		options->exact = true;
		return GO_ON;
	default:
		return option_rest(&command_du, c, argv, longs);
	}
}

static int du_parse(struct du_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:d:jbh", longs)) != -1)
		status = du_option(options, c, argv);
	if (status == GO_ON && options->depth > DEPTH_MAX)
		return say_usage("du", "--depth is a number from 1 to %d", DEPTH_MAX);
	return status;
}

/* --- adding up */

/* Push a new directory, the first `n` bytes of `path`. */
static bool directory_push(struct du *du, const char *path, size_t n)
{
	if (du->count == du->room) {
		size_t room = du->room ? du->room * 2 : 64;
		struct du_directory *grown = realloc(du->directory, room * sizeof(*grown));

		if (!grown)
			return false;
		du->directory = grown;
		du->room = room;
	}
	du->directory[du->count] = (struct du_directory){ .path = strndup(path, n ? n : 1) };
	if (!du->directory[du->count].path)
		return false;
	du->stack[du->depth++] = du->count++;
	return true;
}

/* The length of the directory in `path`, without the slash. */
static size_t directory_bytes(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

/* The length of the directory below which all files lie: the first and the last name tell it. */
static size_t common_bytes(const struct cachedlist *list)
{
	const char *first = list->file[0].path;
	const char *last = list->file[list->count - 1].path;
	size_t n = 0;
	size_t end = 0;

	for (; first[n] && first[n] == last[n]; n++)
		if (first[n] == '/')
			end = n;
	return first[n] || last[n] ? end : directory_bytes(first);
}

static bool du_file_add(struct du *du, const struct cachedlist_file *file, uint64_t depth)
{
	while (du->depth > 1) {
		const char *top = du->directory[du->stack[du->depth - 1]].path;

		if (path_below(file->path, strlen(file->path), top, strlen(top)))
			break;
		du->depth--;
	}
	while (du->depth <= depth) {
		const char *top = du->directory[du->stack[du->depth - 1]].path;
		size_t n = strcmp(top, "/") ? strlen(top) : 0;
		const char *slash = strchr(file->path + n + 1, '/');

		if (!slash)
			break;
		if (!directory_push(du, file->path, (size_t)(slash - file->path)))
			return false;
	}
	for (size_t i = 0; i < du->depth; i++) {
		struct du_directory *directory = &du->directory[du->stack[i]];

		directory->files++;
		directory->size += file->size;
		directory->cached += file->cached;
	}
	return true;
}

static int du_add(struct du *du, const struct cachedlist *list, uint64_t depth)
{
	bool fits = !list->count || directory_push(du, list->file[0].path, common_bytes(list));

	for (size_t i = 0; fits && i < list->count; i++)
		fits = du_file_add(du, &list->file[i], depth);
	return fits ? GO_ON : say_refusal("there is not enough memory; choose a smaller --depth");
}

/* --- telling */

static int du_table(const struct du *du, const struct du_options *options)
{
	static const struct table_column columns[] = {
		{ "CACHED", TABLE_RIGHT }, { "OF", TABLE_RIGHT },	{ "SHARE", TABLE_RIGHT },
		{ "FILES", TABLE_RIGHT },  { "DIRECTORY", TABLE_LEFT },
	};
	struct table *table;

	if (!du->count)
		return STATUS_OK;
	table = table_new(columns, ARRAY_SIZE(columns), true);
	for (size_t i = 0; i < du->count; i++) {
		const struct du_directory *d = &du->directory[i];

		table_line(table);
		table_cell_bytes(table, d->cached, options->exact);
		table_cell_bytes(table, d->size, options->exact);
		table_cell(table, "%.0f%%",
			   d->size ? 100.0 * (double)d->cached / (double)d->size : 0.0);
		table_cell(table, "%llu", (unsigned long long)d->files);
		table_cell(table, "%s", d->path);
	}
	return table_print(table);
}

static int du_json(const struct du *du)
{
	struct json json;

	json_document(&json, stdout);
	json_open(&json, "directories", '[');
	for (size_t i = 0; i < du->count; i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "path", du->directory[i].path);
		json_number(&json, "files", du->directory[i].files);
		json_number(&json, "size", du->directory[i].size);
		json_number(&json, "cached", du->directory[i].cached);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_document_end(&json);
	return STATUS_OK;
}

static int du_print(struct rawcache *cache, const struct du_options *options, char **paths,
		    int path_count)
{
	struct cachedlist list;
	struct du du = { .count = 0 };
	int status = cachedlist_load(&list, cache, paths, path_count);

	if (status == GO_ON)
		status = du_add(&du, &list, options->depth);
	if (status == GO_ON)
		status = options->json ? du_json(&du) : du_table(&du, options);
	for (size_t i = 0; i < du.count; i++)
		free(du.directory[i].path);
	free(du.directory);
	cachedlist_fini(&list);
	return status;
}

static int du_main(int argc, char **argv)
{
	struct du_options options = { .depth = 1 };
	struct target target;
	struct rawcache *cache;
	int status = du_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_enter(&target, options.cache, TARGET_LOOK, &cache);
	if (status != GO_ON)
		return status;
	status = du_print(cache, &options, argv + optind, argc - optind);
	target_leave(&target, cache);
	return status;
}

/* clang-format off */
const struct command command_du = {
	.name = "du",
	.run = du_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "how much is cached below each directory",
	.help =
		"Usage: rawcache du [OPTION]... [PATH]...\n"
		"\n"
		"Add up what `rawcache ls` lists: first all of it, under the name of the directory that\n"
		"it lies below, then the directories below that one.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -d, --depth N      so many levels of directories; default 1\n"
		"  -j, --json         for programs\n"
		"  -b, --bytes        exact numbers\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache du --depth 2 /mnt/nfs\n",
};
/* clang-format on */
