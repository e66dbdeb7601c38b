/* SPDX-License-Identifier: MIT */
/* The list of directories to cache: "DIR:!DIR:...", matched against canonical paths. */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum path_match { PATH_OUTSIDE, PATH_INSIDE, PATH_EXCLUDED };

/*
 * Whether the canonical absolute `path` lies in or below a listed directory. The longest
 * matching entry decides, so that an exclusion can have exceptions. Allocates nothing, takes
 * no lock.
 */
enum path_match paths_match(const char *list, const char *path);

/* The same; *dir and *length return the entry that decided, in `list` and without its '!'. */
enum path_match paths_find(const char *list, const char *path, const char **dir, size_t *length);

/* The length of a path of `n` bytes without the slashes at its end; that of "/" is 1. */
static inline size_t path_trim(const char *path, size_t n)
{
	while (n > 1 && path[n - 1] == '/')
		n--;
	return n;
}

/* Whether `path`, of `n` bytes, is the directory or lies below it. Both must be canonical. */
bool path_below(const char *path, size_t n, const char *dir, size_t length);

/* Whether `dir` lies in a listed directory, or a listed one lies in `dir`. Both must be canonical. */
bool paths_meet(const char *list, const char *dir);

/* Whether "ENTRY:ENTRY:..." has the entry, which must not be empty; `list` may be NULL. */
bool list_contains(const char *list, const char *entry);

/* Whether the list excludes anything. */
bool paths_exclude(const char *list);

/* 0, or -EINVAL with *why (static text) for a list with a relative or empty entry. */
int paths_check(const char *list, const char **why);

#endif
