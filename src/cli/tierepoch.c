/* SPDX-License-Identifier: MIT */
/*
 * The file's first line is the number of all data sets. "NUMBER NAME" in a line of its own is added to it for one of
 * them. It lies beside the secret, so that it is copied with it.
 */
#include "cli/tierepoch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/say.h"

#define LINES_MAX 4000 /* bytes: struct setup of the library has room for 4095 */

static int epoch_unwritable(const char *path)
{
	return say_refusal("cannot write %s: %s; be a user who may", path, strerror(errno));
}

static bool epoch_line(FILE *from, unsigned long *number, char name[64])
{
	return fscanf(from, "%lu%*[ ]%63[^\n]", number, name) == 2;
}

/* All data sets: more than the number of each was. Lines of single ones are not needed any more. */
static unsigned long all_raise(FILE *from, FILE *to, unsigned long epoch)
{
	unsigned long number, most = 0;
	char name[64];

	while (from && epoch_line(from, &number, name))
		if (number > most)
			most = number;
	epoch += most + 1;
	fprintf(to, "%lu\n", epoch);
	return epoch;
}

/* One of them; the others' lines stay. */
static unsigned long one_raise(FILE *from, FILE *to, unsigned long epoch, const char *raised)
{
	unsigned long number, more = 1;
	char name[64];

	fprintf(to, "%lu\n", epoch);
	while (from && epoch_line(from, &number, name)) {
		if (strcmp(name, raised))
			fprintf(to, "%lu %s\n", number, name);
		else
			more = number + 1;
	}
	fprintf(to, "%lu %s\n", more, raised);
	return epoch + more;
}

/* Whether RAWCACHE_TIER_NAME has it; what is derived from an NFS mount ends in a colon. */
static bool name_given(const char *list, const char *name)
{
	size_t n = strlen(name);

	if (name[n - 1] == ':')
		return true;
	while (list && *list) {
		size_t entry = strcspn(list, ":");
		const char *equals = memrchr(list, '=', entry);

		if (equals && (size_t)(list + entry - equals) == n + 1 &&
		    !memcmp(equals + 1, name, n))
			return true;
		list += entry + !!list[entry];
	}
	return false;
}

static int name_check(const struct rawcache_options *engine, const char *name)
{
	if (!*name || *name == '/' || strlen(name) >= 64 || strchr(name, '\n'))
		return say_usage(
			"tier",
			"%s is no data set's name; give the NAME of DIR=NAME in RAWCACHE_TIER_NAME, or SERVER: of NFS",
			name);
	if (!name_given(engine->tier_name, name))
		say_warning(
			"RAWCACHE_TIER_NAME has no %s here; make sure that it is what other machines call it",
			name);
	return GO_ON;
}

/*
 * Write the new file at `fresh`. False: the old one cannot be read, or has a line that is no number and name; all that
 * is in the tier would come back then.
 */
static bool fresh_write(const char *path, FILE *to, unsigned long *epoch, const char *name)
{
	FILE *from = fopen(path, "re");
	unsigned long old = 0;
	bool right = from ? fscanf(from, "%lu", &old) == 1 : errno == ENOENT;

	if (old > *epoch)
		*epoch = old;
	if (right)
		*epoch = name ? one_raise(from, to, *epoch, name) : all_raise(from, to, *epoch);
	if (from) {
		right = right && feof(from);
		fclose(from);
	}
	return right;
}

static int file_raise(const struct rawcache_options *engine, const char *path, const char *fresh,
		      const char *name)
{
	unsigned long epoch = engine->tier_epoch;
	FILE *to;
	long length;
	bool right;

	unlink(fresh); /* of a command that was killed */
	to = fopen(fresh, "wxe");
	if (!to)
		return epoch_unwritable(fresh);
	right = fresh_write(path, to, &epoch, name);
	length = ftell(to);
	/* it is no secret, and programs of all users who have the key must read it */
	if (fchmod(fileno(to), 0644) || fflush(to) || fsync(fileno(to)))
		length = -1;
	if (fclose(to) || length < 0)
		return epoch_unwritable(path);
	if (!right || length > LINES_MAX)
		unlink(fresh);
	if (!right)
		return say_refusal(
			"cannot read %s, or a line of it; be a user who may, or mend it: NUMBER, or NUMBER NAME",
			path);
	if (length > LINES_MAX)
		return say_refusal(
			"%s has too many names; raise the number of all data sets by `rawcache tier bump`",
			path);
	if (rename(fresh, path))
		return epoch_unwritable(path);
	printf("the epoch%s%s is %lu: copy %s to all machines; programs that run already keep the old one\n",
	       name ? " of " : "", name ? name : "", epoch, path);
	return STATUS_OK;
}

int tierepoch_bump(const struct rawcache_options *engine, const char *name)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int status = name ? name_check(engine, name) : GO_ON;

	if (status != GO_ON)
		return status;
	if (!engine->tier_key || !*engine->tier_key)
		return say_usage(
			"tier",
			"RAWCACHE_TIER_KEY is not set; set it, for the number is kept beside that file");
	if (snprintf(path, sizeof(path), "%s.epoch", engine->tier_key) >= (int)sizeof(path) ||
	    snprintf(fresh, sizeof(fresh), "%s.epoch.new", engine->tier_key) >= (int)sizeof(fresh))
		return say_refusal(
			"the path %s is too long; keep the secret in a file with a shorter one",
			engine->tier_key);
	return file_raise(engine, path, fresh, name);
}
