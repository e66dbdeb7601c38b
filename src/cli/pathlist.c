/* SPDX-License-Identifier: MIT */
#include "cli/pathlist.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/say.h"

static bool list_contains(const char *text, const char *entry)
{
	size_t n = strlen(entry);

	for (const char *p = text; p; p = strchr(p, ':')) {
		p += *p == ':';
		if (!strncmp(p, entry, n) && (p[n] == ':' || !p[n]))
			return true;
	}
	return false;
}

static int list_append(struct pathlist *list, const char *entry)
{
	char *text;

	if (list_contains(list->text, entry))
		return GO_ON;
	if (asprintf(&text, "%s%s%s", list->text ? list->text : "", list->text ? ":" : "", entry) <
	    0)
		return say_refusal("there is not enough memory");
	free(list->text);
	list->text = text;
	list->included += *entry != '!';
	return GO_ON;
}

/* GO_ON when `dir` is a directory, whose canonical name is stored to `real`. */
static int directory_resolve(const char *dir, const char *origin, char *real)
{
	struct stat st;

	if (!realpath(dir, real)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return say_refusal("%s: there is no directory %s; create or mount it first",
					   origin, dir);
		return say_refusal("%s: cannot reach the directory %s: %s", origin, dir,
				   strerror(errno));
	}
	if (stat(real, &st))
		return say_refusal("%s: cannot look at %s: %s", origin, dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return say_refusal("%s: %s is not a directory; name the directory it is in", origin,
				   dir);
	if (strchr(real, ':'))
		return say_refusal("%s: the name of %s has a colon in it, which separates the "
				   "entries of RAWCACHE_PATHS; name a directory above it",
				   origin, real);
	return GO_ON;
}

int pathlist_add(struct pathlist *list, const char *dir, bool exclude, const char *origin)
{
	char entry[PATH_MAX + 1];
	int status;

	if (!*dir)
		return say_refusal("%s: the name of the directory is empty", origin);
	entry[0] = '!';
	status = directory_resolve(dir, origin, entry + 1);
	if (status != GO_ON)
		return status;
	return list_append(list, exclude ? entry : entry + 1);
}

int pathlist_add_list(struct pathlist *list, const char *text, const char *origin)
{
	char *copy = strdup(text);
	int status = GO_ON;
	char *save;

	if (!copy)
		return say_refusal("there is not enough memory");
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
