/* SPDX-License-Identifier: MIT */
#include "cli/preload.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "cli/command.h"
#include "cli/say.h"

#define OBJECT "librawcache-preload.so"
#define SEPARATORS ": " /* of LD_PRELOAD, see ld.so(8) */

static bool object_usable(const char *path)
{
	return !access(path, R_OK);
}

/* Search relative to the directory of this executable. */
static bool find_near(char *path, size_t n)
{
	static const char *const places[] = { ".libs/" OBJECT, OBJECT, "../lib/rawcache/" OBJECT };
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len <= 0)
		return false;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char near[PATH_MAX + 64];

		snprintf(near, sizeof(near), "%s%s", self, places[i]);
		if (object_usable(near) && realpath(near, self) && strlen(self) < n) {
			strcpy(path, self);
			return true;
		}
	}
	return false;
}

static int find_named(const char *named, char *path, size_t n)
{
	char real[PATH_MAX];

	if (!realpath(named, real) || !object_usable(real) || strlen(real) >= n)
		return say_refusal("RAWCACHE_PRELOAD names %s, which cannot be read; "
				   "correct it or unset it",
				   named);
	strcpy(path, real);
	return GO_ON;
}

int preload_find(char *path, size_t n)
{
	const char *named = secure_getenv("RAWCACHE_PRELOAD");

	if (named && *named) {
		int status = find_named(named, path, n);

		if (status != GO_ON)
			return status;
	} else if (!find_near(path, n)) {
		snprintf(path, n, "%s", PRELOAD_PATH);
		if (!object_usable(path))
			return say_refusal("the preload object %s is missing; "
					   "install rawcache again, or name it with "
					   "RAWCACHE_PRELOAD",
					   path);
	}
	if (strpbrk(path, SEPARATORS))
		return say_refusal("the loader cannot preload %s because of the space or colon in "
				   "its name; install rawcache elsewhere",
				   path);
	return GO_ON;
}

#define BEGINNING 8192 /* of the file: headers and notes */

bool preload_fits(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[BEGINNING];
	size_t length;
	const void *layout = rawcache_layout(&length);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(bytes, (size_t)n, layout, length);
}

void preload_judge(const char *path)
{
	const char *named = secure_getenv("RAWCACHE_PRELOAD");
	char found[PATH_MAX];

	if (!path && named && *named)
		path = named;
	else if (!path)
		path = find_near(found, sizeof(found)) ? found : PRELOAD_PATH;
	if (object_usable(path) && !preload_fits(path))
		say_warning(
			"the preload object %s is of another version than this command, and programs that have it "
			"go past the cache while others use the image; install both of one version%s",
			path, named && *named ? ", or correct RAWCACHE_PRELOAD" : "");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_sanitizer(const char *path)
{
	static const char *const prefixes[] = { "libasan.", "libtsan.", "liblsan.", "libubsan.",
						"libclang_rt." };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(base_name(path), prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Print the entries of `list` that are runtimes of sanitizers, or those that are not. */
static void entries_print(FILE *out, char *list, bool sanitizers)
{
	char *save;

	for (char *entry = strtok_r(list, SEPARATORS, &save); entry;
	     entry = strtok_r(NULL, SEPARATORS, &save))
		if (is_sanitizer(entry) == sanitizers && strcmp(base_name(entry), OBJECT))
			fprintf(out, "%s:", entry);
}

char *preload_compose(const char *object, const char *old)
{
	char *first = strdup(old ? old : "");
	char *rest = strdup(old ? old : "");
	char *value = NULL;
	size_t n;
	FILE *out = open_memstream(&value, &n);

	if (first && rest && out) {
		entries_print(out, first, true);
		if (object)
			fprintf(out, "%s:", object);
		entries_print(out, rest, false);
	}
	free(first);
	free(rest);
	if (!out)
		return NULL;
	if (fclose(out) || !value) {
		free(value);
		return NULL;
	}
	if (n)
		value[n - 1] = '\0'; /* the last colon */
	return value;
}
