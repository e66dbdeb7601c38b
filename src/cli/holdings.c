/* SPDX-License-Identifier: MIT */
/*
 * A directory counts everything below it. A directory that contains nothing but one directory says no more
 * than that one, and is left out.
 */
#include "cli/holdings.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* an entry that could not be added has no hh.tbl */
#include <uthash.h>

#include <rawcache/tree.h>

#include "cli/command.h"
#include "cli/say.h"

struct held_directory {
	UT_hash_handle hh;
	struct held_directory *parent;
	struct holding sum;
	uint32_t children; /* directories */
	bool own;	   /* has files */
};

struct walk {
	struct holdings *holdings;
	struct held_directory *all; /* by sum.name */
	bool failed;
};

static uint64_t holding_by_cached(const struct holding *holding)
{
	return holding->cached;
}

static uint64_t by_reread(const struct holding *holding)
{
	return holding->reread;
}

/* Keep those that have most `of`; `name` is copied when it stays. False: no memory. */
static bool top_offer(struct holding *top, size_t *count, const struct holding *offered,
		      uint64_t (*of)(const struct holding *))
{
	struct holding kept = *offered;
	size_t at;

	if (!of(offered) || (*count == HOLDINGS_TOP && of(&top[*count - 1]) >= of(offered)))
		return true;
	kept.name = strdup(offered->name);
	if (!kept.name)
		return false;
	if (*count == HOLDINGS_TOP)
		free(top[--*count].name);
	for (at = (*count)++; at && of(&top[at - 1]) < of(&kept); at--)
		top[at] = top[at - 1];
	top[at] = kept;
	return true;
}

static struct held_directory *directory_new(struct walk *walk, const char *name, size_t length)
{
	struct held_directory *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	made->sum.name = strndup(name, length);
	if (made->sum.name)
		HASH_ADD_KEYPTR(hh, walk->all, made->sum.name, length, made);
	if (made->hh.tbl)
		return made;
	free(made->sum.name);
	free(made);
	return NULL;
}

/* The directory of the first `length` bytes of `path`, and those above it. NULL: no memory. */
static struct held_directory *directory_get(struct walk *walk, const char *path, size_t length)
{
	struct held_directory *below = NULL;
	struct held_directory *first = NULL;

	for (;;) {
		struct held_directory *found;

		HASH_FIND(hh, walk->all, path, length, found);
		if (below && found)
			found->children++;
		if (below)
			below->parent = found;
		if (found)
			return first ? first : found;
		found = directory_new(walk, path, length);
		if (!found)
			return NULL;
		if (below) {
			below->parent = found;
			found->children++;
		}
		first = first ? first : found;
		below = found;
		while (length && path[length - 1] != '/')
			length--;
		if (!length)
			return first;
		length--;
	}
}

static bool walk_visit(void *arg, const struct rawcache_cached_file *file)
{
	struct walk *walk = arg;
	struct holding one = { (char *)file->path, file->cached, file->reread, file->size, 1 };
	const char *slash = strrchr(file->path, '/');
	struct held_directory *directory = directory_get(walk, file->path,
							 slash ? (size_t)(slash - file->path) : 0);

	walk->holdings->files++;
	walk->holdings->cached += file->cached;
	walk->failed = !directory ||
		       !top_offer(walk->holdings->file, &walk->holdings->file_count, &one,
				  holding_by_cached) ||
		       !top_offer(walk->holdings->read, &walk->holdings->read_count, &one,
				  by_reread);
	if (directory)
		directory->own = true;
	for (; directory; directory = directory->parent) {
		directory->sum.cached += file->cached;
		directory->sum.size += file->size;
		directory->sum.files++;
	}
	return !walk->failed;
}

static void walk_end(struct walk *walk)
{
	struct held_directory *directory, *next;

	HASH_ITER(hh, walk->all, directory, next) {
		if (!walk->failed && *directory->sum.name &&
		    (directory->own || directory->children > 1))
			walk->failed = !top_offer(walk->holdings->directory,
						  &walk->holdings->directory_count, &directory->sum,
						  holding_by_cached);
		HASH_DEL(walk->all, directory);
		free(directory->sum.name);
		free(directory);
	}
}

int holdings_regions(struct rawcache *cache, struct holdings *holdings)
{
	int count = rawcache_regions(cache, NULL, 0, 0);

	memset(holdings, 0, sizeof(*holdings));
	holdings->region = calloc((size_t)count + 1, sizeof(*holdings->region));
	if (!holdings->region)
		return say_memory();
	holdings->region_count = (size_t)count;
	rawcache_regions(cache, holdings->region, sizeof(*holdings->region), (size_t)count);
	return GO_ON;
}

int holdings_take(struct rawcache *cache, struct holdings *holdings)
{
	struct walk walk = { .holdings = holdings };
	int status = holdings_regions(cache, holdings);

	if (status != GO_ON)
		return status;
	if (rawcache_list(cache, walk_visit, &walk))
		walk.failed = true;
	walk_end(&walk);
	if (!walk.failed)
		return GO_ON;
	holdings_fini(holdings);
	return say_memory();
}

void holdings_fini(struct holdings *holdings)
{
	for (size_t i = 0; i < holdings->file_count; i++)
		free(holdings->file[i].name);
	for (size_t i = 0; i < holdings->directory_count; i++)
		free(holdings->directory[i].name);
	for (size_t i = 0; i < holdings->read_count; i++)
		free(holdings->read[i].name);
	free(holdings->region);
	memset(holdings, 0, sizeof(*holdings));
}
