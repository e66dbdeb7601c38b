/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/size.h"
#include "cli/profile.h"
#include "cli/say.h"

int option_next(int argc, char **argv, const char *shorts, const struct option *longs)
{
	opterr = 0;
	return getopt_long(argc, argv, shorts, longs, NULL);
}

static const struct option *option_find(const char *name, size_t n, const struct option *longs)
{
	for (const struct option *o = longs; o->name; o++)
		if (n && !strncmp(o->name, name, n))
			return o;
	return NULL;
}

/*
 * Whether getopt() stopped at a long option. It sets optopt to 0 then, except when a value is missing or
 * must not be given; then the word before optind is that option. (In a cluster of short options, the word
 * before optind may be any other.)
 */
static bool option_is_long(int c, const char *word, const struct option *longs)
{
	const struct option *found;
	size_t n;

	if (!optopt)
		return true;
	if (word[0] != '-' || word[1] != '-')
		return false;
	if (c == ':')
		return true;
	n = strcspn(word + 2, "=");
	found = option_find(word + 2, n, longs);
	return found && word[2 + n] == '=' && found->val == optopt;
}

/* The option as the user wrote it, without a value. */
static void option_written(int c, char **argv, const struct option *longs, char *buf, size_t n)
{
	const char *word = argv[optind - 1];

	if (option_is_long(c, word, longs))
		snprintf(buf, n, "%.*s", (int)strcspn(word, "="), word);
	else
		snprintf(buf, n, "-%c", optopt);
}

static int option_unknown(const struct command *command, const char *written,
			  const struct option *longs)
{
	struct nearest nearest;

	if (written[1] != '-')
		return say_usage(command->name, "unknown option %s; see `rawcache help %s`",
				 written, command->name);
	nearest_init(&nearest, written + 2);
	for (const struct option *o = longs; o->name; o++)
		nearest_offer(&nearest, o->name);
	if (nearest.best)
		return say_usage(command->name, "unknown option %s; did you mean --%s?", written,
				 nearest.best);
	return say_usage(command->name, "unknown option %s; see `rawcache help %s`", written,
			 command->name);
}

int option_rest(const struct command *command, int c, char **argv, const struct option *longs)
{
	const struct option *known;
	char written[64];

	if (c == 'h')
		return command_usage(command);
	if (c == OPTION_PROFILE)
		return profile_use(command->name, optarg);
	option_written(c, argv, longs, written, sizeof(written));
	if (c == ':')
		return say_usage(command->name, "option %s needs a value; see `rawcache help %s`",
				 written, command->name);
	known = written[1] == '-' ? option_find(written + 2, strlen(written + 2), longs) : NULL;
	if (!known)
		return option_unknown(command, written, longs);
	if (optopt)
		return say_usage(command->name, "option %s takes no value; leave it out", written);
	return say_usage(command->name,
			 "option %s is ambiguous; write it in full, for example --%s", written,
			 known->name);
}

int option_no_operands(const struct command *command, int argc, char **argv)
{
	if (optind == argc)
		return GO_ON;
	return say_usage(command->name,
			 "takes no argument, but was given %s; see `rawcache help %s`",
			 argv[optind], command->name);
}

int option_size(const struct command *command, const char *option, const char *text, uint64_t *size)
{
	if (!size_parse(text, size))
		return GO_ON;
	return say_usage(command->name, "%s %s is not a size such as 512, 64K or 10G", option,
			 text);
}

int option_count(const struct command *command, const char *option, const char *text,
		 uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && *count)
		return GO_ON;
	return say_usage(command->name, "%s %s is not a number above 0", option, text);
}

int option_seconds(const struct command *command, const char *option, const char *text,
		   uint64_t *milli)
{
	if (!milli_parse(text, milli) && *milli >= 10)
		return GO_ON;
	return say_usage(command->name, "%s %s is not a number of seconds such as 1 or 0.5", option,
			 text);
}
