/* SPDX-License-Identifier: MIT */
#include "cli/pathlist.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "cli/command.h"
#include "cli/say.h"

static int list_append(struct pathlist *list, const char *entry)
{
	char *text;

	if (list_contains(list->text, entry))
		return GO_ON;
	if (asprintf(&text, "%s%s%s", list->text ? list->text : "", list->text ? ":" : "", entry) <
	    0)
		return say_memory();
	free(list->text);
	list->text = text;
	list->included += *entry != '!';
	return GO_ON;
}

/* NULL when `dir` is a directory, whose canonical name is stored to `real`; else why not. */
static const char *directory_resolve(const char *dir, char *real)
{
	struct stat st;

	if (!realpath(dir, real))
		return errno == ENOENT || errno == ENOTDIR ?
			       "there is no such directory; create or mount it first" :
			       "this user may not look at it; be one who may";
	if (stat(real, &st))
		return "it cannot be looked at; see that its mount answers";
	if (!S_ISDIR(st.st_mode))
		return "it is not a directory; name the directory it is in";
	if (strchr(real, ':'))
		return "its canonical name has a colon in it, which separates the entries of "
		       "RAWCACHE_PATHS; name a directory above it";
	return NULL;
}

int pathlist_add(struct pathlist *list, const char *dir, bool exclude, const char *origin)
{
	char entry[PATH_MAX + 1];
	const char *why;

	if (!*dir) {
		say_refusal("%s is empty; name a directory", origin);
		return STATUS_USAGE;
	}
	entry[0] = '!';
	why = directory_resolve(dir, entry + 1);
	if (!why)
		return list_append(list, exclude ? entry : entry + 1);
	say_refusal("%s %s: %s", origin, dir, why);
	return STATUS_USAGE;
}

int pathlist_add_list(struct pathlist *list, const char *text, const char *origin)
{
	char *copy = strdup(text);
	int status = GO_ON;
	char *save;

	if (!copy)
		return say_memory();
	for (char *dir = strtok_r(copy, ":", &save); dir && status == GO_ON;
	     dir = strtok_r(NULL, ":", &save))
		status = pathlist_add(list, dir + (*dir == '!'), *dir == '!', origin);
	free(copy);
	return status;
}

void pathlist_fini(struct pathlist *list)
{
	free(list->text);
	list->text = NULL;
}
