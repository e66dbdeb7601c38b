/* SPDX-License-Identifier: MIT */
/* rawcache ls: which files are cached, and how much of each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "cli/cachedlist.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/target.h"

typedef int compare_fn(const void *a, const void *b);

struct ls_options {
	const char *cache;
	compare_fn *compare; /* NULL: by name, as the list is */
	bool json;
	bool exact;
	bool reverse;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "json", no_argument, NULL, 'j' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "sort", required_argument, NULL, 's' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* --- orders: the largest or latest first */

static int larger(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_cached(const void *a, const void *b)
{
	return larger(((const struct cachedlist_file *)a)->cached,
		      ((const struct cachedlist_file *)b)->cached);
}

static int by_size(const void *a, const void *b)
{
	return larger(((const struct cachedlist_file *)a)->size,
		      ((const struct cachedlist_file *)b)->size);
}

static double cached_share(const struct cachedlist_file *file)
{
	return file->size ? 100.0 * (double)file->cached / (double)file->size : 0.0;
}

static int by_share(const void *a, const void *b)
{
	double one = cached_share(a);
	double other = cached_share(b);

	return (one < other) - (one > other);
}

static int by_time(const void *a, const void *b)
{
	const struct cachedlist_file *one = a;
	const struct cachedlist_file *other = b;

	if (one->mtime_sec != other->mtime_sec)
		return one->mtime_sec < other->mtime_sec ? 1 : -1;
	return larger(one->mtime_nsec, other->mtime_nsec);
}

static int sort_option(struct ls_options *options)
{
	static const struct {
		const char *name;
		compare_fn *compare;
	} orders[] = {
		{ "name", NULL },      { "cached", by_cached }, { "size", by_size },
		{ "share", by_share }, { "time", by_time },
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		if (strcmp(orders[i].name, optarg))
			continue;
		options->compare = orders[i].compare;
		return GO_ON;
	}
	return say_usage("ls", "--sort %s is no order; take name, cached, size, share or time",
			 optarg);
}

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
	case 's':
		return sort_option(options);
	case 'r':
		options->reverse = true;
		return GO_ON;
	default:
		return option_rest(&command_ls, c, argv, longs);
	}
}

static int ls_parse(struct ls_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jbs:rh", longs)) != -1)
		status = ls_option(options, c, argv);
	return status;
}

static void ls_order(struct cachedlist *list, const struct ls_options *options)
{
	if (options->compare && list->count)
		qsort(list->file, list->count, sizeof(*list->file), options->compare);
	for (size_t i = 0; options->reverse && i < list->count / 2; i++) {
		struct cachedlist_file first = list->file[i];

		list->file[i] = list->file[list->count - 1 - i];
		list->file[list->count - 1 - i] = first;
	}
}

/* The cached chunks are of another state of the file than its present one. */
static const char *file_note(const struct cachedlist_file *file)
{
	struct stat st;

	if (stat(file->path, &st))
		return errno == ENOENT ? "gone" : "";
	return (uint64_t)st.st_size == file->size && st.st_mtim.tv_sec == file->mtime_sec &&
			       (uint32_t)st.st_mtim.tv_nsec == file->mtime_nsec ?
		       "" :
		       "old";
}

static int ls_table(const struct cachedlist *list, const struct ls_options *options)
{
	static const struct table_column columns[] = {
		{ "CACHED", TABLE_RIGHT }, { "OF", TABLE_RIGHT },  { "SHARE", TABLE_RIGHT },
		{ "NOTE", TABLE_LEFT },	   { "FILE", TABLE_LEFT },
	};
	struct table *table;

	if (!list->count)
		return STATUS_OK;
	table = table_new(columns, ARRAY_SIZE(columns), true);
	for (size_t i = 0; i < list->count; i++) {
		const struct cachedlist_file *file = &list->file[i];

		table_line(table);
		table_cell_bytes(table, file->cached, options->exact);
		table_cell_bytes(table, file->size, options->exact);
		table_cell(table, "%.0f%%", cached_share(file));
		table_cell(table, "%s", file_note(file));
		table_cell(table, "%s", file->path);
	}
	return table_print(table);
}

static int ls_json(const struct cachedlist *list)
{
	struct json json;

	json_document(&json, stdout);
	json_open(&json, "files", '[');
	for (size_t i = 0; i < list->count; i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "path", list->file[i].path);
		json_number(&json, "size", list->file[i].size);
		json_number(&json, "cached", list->file[i].cached);
		json_boolean(&json, "current", !*file_note(&list->file[i]));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_document_end(&json);
	return STATUS_OK;
}

static int ls_print(struct rawcache *cache, const struct ls_options *options, char **paths,
		    int path_count)
{
	struct cachedlist list;
	int status = cachedlist_load(&list, cache, paths, path_count);

	if (status == GO_ON) {
		ls_order(&list, options);
		status = options->json ? ls_json(&list) : ls_table(&list, options);
	}
	cachedlist_fini(&list);
	return status;
}

static int ls_main(int argc, char **argv)
{
	struct ls_options options = { 0 };
	struct target target;
	struct rawcache *cache;
	int status = ls_parse(&options, argc, argv);

	if (status == GO_ON)
		status = target_enter(&target, options.cache, TARGET_LOOK, &cache);
	if (status != GO_ON)
		return status;
	status = ls_print(cache, &options, argv + optind, argc - optind);
	target_leave(&target, cache);
	return status;
}

/* clang-format off */
const struct command command_ls = {
	.name = "ls",
	.run = ls_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "which files are cached, and how much of each",
	.help =
		"Usage: rawcache ls [OPTION]... [PATH]...\n"
		"\n"
		"List cached files, all or those at and below PATH, with how much of each is cached.\n"
		"A file that has changed since is `old`, one that does not exist any more is `gone`.\n"
		"\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -s, --sort ORDER   name (the default), or the most first: cached, size, share, time\n"
		"  -r, --reverse      the other way round\n"
		"  -j, --json         for programs\n"
		"  -b, --bytes        exact numbers\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache ls --sort cached /mnt/nfs | head\n",
};
/* clang-format on */
