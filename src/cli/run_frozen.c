/* SPDX-License-Identifier: MIT */
#include "cli/run_frozen.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/credentials.h"
#include "base/frozen.h"
#include "base/paths.h"
#include "cli/command.h"
#include "cli/frozen_record.h"
#include "cli/say.h"

#define JOBS 16	       /* threads, which wait for a server most of the time */
#define LIST_MAX 65536 /* bytes: sixteen of the longest paths */

int run_frozen_take(struct pathlist *given, const char *value)
{
	const char *before = getenv("RAWCACHE_FROZEN");
	char dir[PATH_MAX], path[PATH_MAX];
	char list[LIST_MAX];
	uint64_t ns;
	size_t n = frozen_entry(value, strlen(value), &ns);
	int status;

	if (n >= sizeof(dir))
		return say_usage("run", "--frozen: the path is too long; name a shorter one");
	memcpy(dir, value, n);
	dir[n] = '\0';
	if (!realpath(dir, path))
		return say_refusal("--frozen %s: %s; name a directory that is there", dir,
				   strerror(errno));
	if (snprintf(list, sizeof(list), "%s%s%s%s", before ? before : "",
		     before && *before ? ":" : "", path, value + n) >= (int)sizeof(list))
		return say_usage("run",
				 "--frozen: there are too many; name a directory above them");
	status = pathlist_add(given, path, false, "--frozen");
	if (status == GO_ON && setenv("RAWCACHE_FROZEN", list, 1))
		return say_memory();
	return status;
}

/* Why the record is not valid; NULL: it is. Owes frozen_close(). */
static const char *record_refused(struct frozen *frozen, const char *name, const char *path,
				  uint64_t most_ns)
{
	struct credentials credentials;
	char groups[4096];

	switch (frozen_open(frozen, name, path)) {
	case 0:
		break;
	case -ENOENT:
		return "there is no record; `rawcache warm --frozen` makes it";
	case -ESTALE:
		return "it was thawed";
	case -EPERM:
		return "the record belongs to another user, or others may write it";
	default:
		return "the record is damaged";
	}
	if (!credentials_read(groups, sizeof(groups), &credentials) ||
	    credentials.hash != frozen->header.who)
		return "it was recorded with other rights";
	return frozen_age(frozen) < most_ns ? NULL : "its time is over";
}

/* Get the next entry of RAWCACHE_FROZEN: its directory. False: there is none. */
static bool frozen_entry_next(const char **list, char *path, uint64_t *ns)
{
	while (**list) {
		const char *entry = *list;
		size_t n = strcspn(entry, ":");

		*list += n + (entry[n] == ':');
		n = path_trim(entry, frozen_entry(entry, n, ns));
		if (!n || n >= PATH_MAX)
			continue;
		memcpy(path, entry, n);
		path[n] = '\0';
		return true;
	}
	return false;
}

static int tree_prepare(const struct target *target, const char *path, uint64_t ns)
{
	struct frozen_recorded recorded;
	char name[PATH_MAX];
	struct frozen frozen;
	const char *why;
	int status = target_frozen_name(target, path, name, sizeof(name));

	if (status != GO_ON)
		return status;
	why = record_refused(&frozen, name, path, ns);
	frozen_close(&frozen);
	return why ? frozen_record(target, path, JOBS, &recorded) : GO_ON;
}

int run_frozen_prepare(const struct target *target)
{
	const char *list = target->config.frozen;
	char path[PATH_MAX];
	int status = GO_ON;
	uint64_t ns;

	while (status == GO_ON && frozen_entry_next(&list, path, &ns))
		status = tree_prepare(target, path, ns);
	return status;
}

static const char *directory_explain(const struct frozen *frozen, const char *below, char *text,
				     size_t n)
{
	char rest[PATH_MAX], other[PATH_MAX];
	struct frozen_walk walk = { .frozen = frozen, .rest = rest, .other = other };

	snprintf(rest, sizeof(rest), "%s", below);
	if (frozen_walk(&walk) != FROZEN_IS || !(walk.node.flags & FROZEN_LISTED))
		return "the origin is asked: a program has changed it, or it could not be recorded";
	snprintf(text, n, "answered from a record of %.0f s ago, which has %u names",
		 (double)frozen_age(frozen) / 1e9, frozen->header.count - 1);
	return text;
}

const char *run_frozen_explain(const struct target *target, const char *path, char *text, size_t n)
{
	const char *list = target->config.frozen, *below = NULL, *why = NULL;
	char tree[PATH_MAX], name[PATH_MAX];
	struct frozen frozen;
	uint64_t ns;

	while (!below && frozen_entry_next(&list, tree, &ns))
		below = frozen_below(tree, path);
	if (!below || frozen_name(target->path, tree, name, sizeof(name)))
		return NULL;
	why = record_refused(&frozen, name, tree, ns);
	if (!why)
		why = directory_explain(&frozen, below, text, n);
	frozen_close(&frozen);
	return why;
}
