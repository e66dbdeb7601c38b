/* SPDX-License-Identifier: MIT */
#include "base/paths.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"

/* One entry of the list; returns where the next one starts, or NULL after the last. */
at_start static const char *entry_next(const char *p, const char **dir, size_t *len, bool *exclude)
{
	const char *end = strchr(p, ':');

	*exclude = *p == '!';
	*dir = p + *exclude;
	*len = (end ? (size_t)(end - p) : strlen(p)) - *exclude;
	*len = path_trim(*dir, *len);
	return end ? end + 1 : NULL;
}

at_start bool path_below(const char *path, size_t n, const char *dir, size_t length)
{
	length = path_trim(dir, length);
	if (length == 1 && *dir == '/')
		return *path == '/';
	return n >= length && !memcmp(path, dir, length) && (n == length || path[length] == '/');
}

at_start enum path_match paths_find(const char *list, const char *path, const char **best_dir,
				    size_t *best_length)
{
	enum path_match match = PATH_OUTSIDE;
	size_t n = strlen(path);
	size_t best = 0;
	const char *dir;
	size_t len;
	bool exclude;

	for (const char *p = list; p && *p;) {
		p = entry_next(p, &dir, &len, &exclude);
		if (!len || len < best || !path_below(path, n, dir, len))
			continue;
		best = len;
		*best_dir = dir;
		*best_length = len;
		match = exclude ? PATH_EXCLUDED : PATH_INSIDE;
	}
	return match;
}

at_start enum path_match paths_match(const char *list, const char *path)
{
	const char *dir;
	size_t length;

	return paths_find(list, path, &dir, &length);
}

bool paths_meet(const char *list, const char *dir)
{
	const char *listed;
	size_t length;
	bool exclude;

	for (const char *p = list; p && *p;) {
		p = entry_next(p, &listed, &length, &exclude);
		if (length && !exclude && path_below(listed, length, dir, strlen(dir)))
			return true;
	}
	return paths_match(list, dir) == PATH_INSIDE;
}

at_start bool list_contains(const char *list, const char *entry)
{
	size_t n = strlen(entry);

	for (const char *p = list; p; p = strchr(p, ':')) {
		p += *p == ':';
		if (n && !strncmp(p, entry, n) && (p[n] == ':' || !p[n]))
			return true;
	}
	return false;
}

at_start bool paths_exclude(const char *list)
{
	return *list == '!' || strstr(list, ":!");
}

at_start int paths_check(const char *list, const char **why)
{
	const char *dir;
	size_t len;
	bool exclude;

	for (const char *p = list; p && *p;) {
		p = entry_next(p, &dir, &len, &exclude);
		if (!len) {
			*why = "has an empty entry";
			return -EINVAL;
		}
		if (*dir != '/') {
			*why = "has an entry that is not an absolute path";
			return -EINVAL;
		}
	}
	return 0;
}
