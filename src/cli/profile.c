/* SPDX-License-Identifier: MIT */
#include "cli/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/say.h"

/* A name must not be a path: it comes from the command line, and the file from one directory. */
static bool name_right(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *name && *name != '.' && *name != '-' && strspn(name, letters) == strlen(name);
}

int profile_locate(struct profile *profile, const char *command, const char *name)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME");
	const char *home = secure_getenv("HOME");
	int n;

	*profile = (struct profile){ .given = 0 };
	if (!name_right(name))
		return say_usage(
			command,
			"%s is no name of a profile; take letters, digits, '.', '_' and '-'",
			*name ? name : "''");
	if (config && *config == '/')
		n = snprintf(profile->path, sizeof(profile->path), "%s/rawcache/%s.conf", config,
			     name);
	else if (home && *home == '/')
		n = snprintf(profile->path, sizeof(profile->path), "%s/.config/rawcache/%s.conf",
			     home, name);
	else
		return say_refusal("there is no home directory for profiles; "
				   "name one with XDG_CONFIG_HOME");
	if (n < 0 || (size_t)n >= sizeof(profile->path))
		return say_refusal("the name of profile %s is too long; choose a shorter one",
				   name);
	return GO_ON;
}

/* The row of the variable, or -1. */
static int variable_row(const char *name, size_t n, struct nearest *nearest)
{
	size_t count;
	const struct config_variable *variables = config_variables(&count);

	for (size_t i = 0; i < count; i++) {
		if (strlen(variables[i].name) == n && !strncmp(variables[i].name, name, n))
			return (int)i;
		if (nearest)
			nearest_offer(nearest, variables[i].name);
	}
	return -1;
}

bool profile_gave(const struct profile *profile, const char *variable)
{
	int row = variable_row(variable, strlen(variable), NULL);

	return row >= 0 && profile->given >> row & 1;
}

static int line_refuse(const struct profile *profile, unsigned int number, const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	variable_row(name, strlen(name), &nearest);
	if (nearest.best)
		say_refusal("%s, line %u: there is no variable %s; did you mean %s?", profile->path,
			    number, name, nearest.best);
	else
		say_refusal("%s, line %u: there is no variable %s; rawcache(7) lists them",
			    profile->path, number, name);
	return STATUS_USAGE;
}

/* Variables of the environment and options, which are in it already, have precedence. */
static int line_apply(struct profile *profile, char *line, unsigned int number)
{
	char *value = strchr(line, '=');
	const char *old;
	int row;

	if (!*line || *line == '#')
		return GO_ON;
	if (!value) {
		say_refusal("%s, line %u: write it as RAWCACHE_NAME=VALUE, or begin it with #",
			    profile->path, number);
		return STATUS_USAGE;
	}
	*value++ = '\0';
	row = variable_row(line, strlen(line), NULL);
	if (row < 0)
		return line_refuse(profile, number, line);
	old = getenv(line);
	if (old && *old && !profile_gave(profile, line))
		return GO_ON;
	if (setenv(line, value, 1))
		return say_memory();
	profile->given |= UINT64_C(1) << row;
	return GO_ON;
}

int profile_apply(struct profile *profile, const char *name)
{
	FILE *in = fopen(profile->path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	int status = GO_ON;

	if (!in && errno == ENOENT)
		return say_refusal("there is no profile %s (%s); `rawcache setup %s` makes it",
				   name, profile->path, name);
	if (!in)
		return say_refusal("cannot read the profile %s: %s; let its user read it",
				   profile->path, strerror(errno));
	while (status == GO_ON && getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		status = line_apply(profile, line, ++number);
	}
	if (status == GO_ON && ferror(in))
		status = say_refusal("cannot read the profile %s: %s; write it anew", profile->path,
				     strerror(errno));
	free(line);
	fclose(in);
	return status;
}

int profile_use(const char *command, const char *name)
{
	struct profile profile;
	int status = profile_locate(&profile, command, name);

	return status == GO_ON ? profile_apply(&profile, name) : status;
}

static int profile_directories_make(const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* Written under another name first, so that the profile is whole or not there. */
int profile_write(const struct profile *profile, const char *text)
{
	char temporary[PATH_MAX + 8];
	int err = profile_directories_make(profile->path);
	FILE *out;

	snprintf(temporary, sizeof(temporary), "%s.new", profile->path);
	out = err ? NULL : fopen(temporary, "we");
	if (out) {
		fputs(text, out);
		if (fclose(out) || rename(temporary, profile->path))
			err = -errno;
	} else if (!err) {
		err = -errno;
	}
	if (!err)
		return GO_ON;
	unlink(temporary);
	return say_refusal("cannot write the profile %s: %s; name another directory with "
			   "XDG_CONFIG_HOME",
			   profile->path, strerror(-err));
}
