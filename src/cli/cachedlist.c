/* SPDX-License-Identifier: MIT */
#include "cli/cachedlist.h"

#include <stdlib.h>
#include <string.h>

#include <rawcache/tree.h>

#include "base/paths.h"

#include "cli/command.h"
#include "cli/say.h"

static bool path_wanted(const struct cachedlist *list, const char *path)
{
	for (int i = 0; i < list->path_count; i++)
		if (path_below(path, strlen(path), list->paths[i], strlen(list->paths[i])))
			return true;
	return !list->path_count;
}

static bool list_grow(struct cachedlist *list)
{
	size_t room = list->room ? list->room * 2 : 256;
	struct cachedlist_file *grown = realloc(list->file, room * sizeof(*grown));

	if (!grown)
		return false;
	list->file = grown;
	list->room = room;
	return true;
}

static bool list_visit(void *arg, const struct rawcache_cached_file *cached)
{
	struct cachedlist *list = arg;
	struct cachedlist_file *file;

	if (!path_wanted(list, cached->path))
		return true;
	list->failed = list->count == list->room && !list_grow(list);
	if (list->failed)
		return false;
	file = &list->file[list->count];
	*file = (struct cachedlist_file){
		.path = strdup(cached->path),
		.size = cached->size,
		.cached = cached->cached,
		.mtime_sec = cached->mtime_sec,
		.mtime_nsec = cached->mtime_nsec,
	};
	list->failed = !file->path;
	list->count += !list->failed;
	return !list->failed;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct cachedlist_file *)a)->path,
		      ((const struct cachedlist_file *)b)->path);
}

/* Resolve the paths as the image has them; one that does not exist any more is used as it is. */
static void paths_resolve(struct cachedlist *list)
{
	for (int i = 0; i < list->path_count; i++) {
		char *real = realpath(list->paths[i], NULL);

		if (real)
			list->paths[i] = real; /* until the end of the process */
	}
}

int cachedlist_load(struct cachedlist *list, struct rawcache *cache, char **paths, int path_count)
{
	*list = (struct cachedlist){ .paths = paths, .path_count = path_count };
	paths_resolve(list);
	if (rawcache_list(cache, list_visit, list) || list->failed)
		return say_refusal("there is not enough memory for the names of all files; name "
				   "fewer paths");
	if (list->count)
		qsort(list->file, list->count, sizeof(*list->file), by_path);
	return GO_ON;
}

void cachedlist_fini(struct cachedlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->file[i].path);
	free(list->file);
}
