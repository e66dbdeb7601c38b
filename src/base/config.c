/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/paths.h"
#include "base/size.h"

#define PREFIX "RAWCACHE_"

extern char **environ;

/*
 * Without regard to the case of `text`; `word` is in lower case. strcasecmp() needs tables of the locale: two page
 * faults in each program that starts.
 */
at_start static bool text_same(const char *text, const char *word)
{
	for (; *text; text++, word++) {
		bool upper = *text >= 'A' && *text <= 'Z';

		if ((upper ? *text - 'A' + 'a' : *text) != *word)
			return false;
	}
	return !*word;
}

/* Parsers: each stores into its field and returns NULL, or text that says what is wrong. */

/*
 * Strings lie in memory of our own: the shim reads its configuration before the program's malloc() may be
 * called (the address sanitizer ends the program then). The process has one thread at that time, so no
 * critical section is needed.
 */
at_start static void string_put(char *string)
{
	if (string)
		memory_put(string, strlen(string) + 1);
}

at_start static const char *parse_string(const char *text, char **field)
{
	size_t n = strlen(text) + 1;
	char *copy = memory_get(n);

	if (!copy)
		return "does not fit into memory";
	memcpy(copy, text, n);
	string_put(*field);
	*field = copy;
	return NULL;
}

at_start static const char *parse_paths(const char *text, char **field)
{
	const char *why = NULL;

	if (paths_check(text, &why))
		return why;
	return parse_string(text, field);
}

at_start static const char *parse_size(const char *text, uint64_t *field)
{
	return size_parse(text, field) ? "is not a size such as 512, 64K or 10G" : NULL;
}

at_start static const char *parse_size_or_auto(const char *text, uint64_t *field)
{
	if (!strcmp(text, "auto")) {
		*field = RAWCACHE_AUTO;
		return NULL;
	}
	return size_parse(text, field) ? "is neither auto nor a size such as 64K" : NULL;
}

at_start static const char *parse_boolean(const char *text, uint8_t *field)
{
	static const char *const words[2][4] = { { "0", "no", "off", "false" },
						 { "1", "yes", "on", "true" } };

	for (int value = 0; value < 2; value++) {
		for (int i = 0; i < 4; i++) {
			if (text_same(text, words[value][i])) {
				*field = (uint8_t)value;
				return NULL;
			}
		}
	}
	return "is neither 0 nor 1";
}

at_start static const char *parse_auto(const char *text, uint8_t *field)
{
	if (!text_same(text, "auto"))
		return parse_boolean(text, field) ? "is none of auto, 0, 1" : NULL;
	*field = CONFIG_AUTO;
	return NULL;
}

at_start static const char *parse_seconds(const char *text, uint32_t *field)
{
	uint64_t milli;

	if (milli_parse(text, &milli) || milli > UINT32_MAX * UINT64_C(1000))
		return "is not a number of seconds";
	*field = (uint32_t)((milli + 999) / 1000);
	return NULL;
}

at_start static const char *parse_milliseconds(const char *text, uint32_t *field)
{
	uint64_t milli;

	if (milli_parse(text, &milli) || milli > UINT32_MAX)
		return "is not a number of seconds";
	*field = (uint32_t)milli;
	return NULL;
}

at_start static const char *parse_revalidate(const char *text, uint32_t *field)
{
	uint64_t n;

	if (!strcmp(text, "open")) {
		*field = CONFIG_REVALIDATE_OPEN;
		return NULL;
	}
	if (!strcmp(text, "sync")) {
		*field = CONFIG_REVALIDATE_SYNC;
		return NULL;
	}
	if (size_parse(text, &n) || n >= CONFIG_REVALIDATE_SYNC)
		return "is neither open nor sync nor a number of milliseconds";
	*field = (uint32_t)n;
	return NULL;
}

at_start static const char *parse_word(const char *text, uint8_t *field, const char *const *words)
{
	for (uint8_t i = 0; words[i]; i++) {
		if (text_same(text, words[i])) {
			*field = i;
			return NULL;
		}
	}
	return "is none of the words it may be";
}

at_start static const char *parse_io(const char *text, uint8_t *field)
{
	static const char *const words[] = { "auto", "io_uring", "threads", "sync", NULL };

	return parse_word(text, field, words) ? "is none of auto, io_uring, threads, sync" : NULL;
}

at_start static const char *parse_verify(const char *text, uint8_t *field)
{
	static const char *const words[] = { "boot", "always", "never", NULL };

	return parse_word(text, field, words) ? "is none of boot, always, never" : NULL;
}

at_start static const char *parse_tier(const char *text, char **field)
{
#ifndef ENABLE_TIER
	if (*text)
		return "cannot be used: this rawcache was built without the tier (--without-tier)";
#endif
	return parse_string(text, field);
}

at_start static const char *parse_tier_mode(const char *text, uint8_t *field)
{
	static const char *const words[] = { "rw", "ro", "off", NULL };

	return parse_word(text, field, words) ? "is none of rw, ro, off" : NULL;
}

at_start static const char *parse_number(const char *text, uint32_t *field)
{
	uint64_t n;

	if (size_parse(text, &n) || n > UINT32_MAX)
		return "is not a number";
	*field = (uint32_t)n;
	return NULL;
}

at_start static const char *parse_log_level(const char *text, uint8_t *field)
{
	static const char *const words[] = { "error", "warn", "info", "debug", NULL };

	return parse_word(text, field, words) ? "is none of error, warn, info, debug" : NULL;
}

static const struct config_variable variables[] = {
#define CONFIG(NAME, field, parser, fallback, text) { PREFIX #NAME, fallback, text },
#include "base/config_tbl.h"
#undef CONFIG
};

const struct config_variable *config_variables(size_t *count)
{
	*count = ARRAY_SIZE(variables);
	return variables;
}

/* What stands behind the name of a variable and '='; NULL: it is another variable. */
at_start static const char *value_behind(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(entry, name, n) && entry[n] == '=' ? entry + n + 1 : NULL;
}

/*
 * The values of all variables, NULL for those that are not set. One walk over the environment: every program that
 * starts pays for it, and asking for each of the variables would walk as often.
 */
at_start static void values_find(const char **values)
{
	/* as secure_getenv() does, there is nothing for set-uid programs */
	for (char **e = getauxval(AT_SECURE) ? NULL : environ; e && *e; e++) {
		const char *value = NULL;

		if (strncmp(*e, PREFIX, strlen(PREFIX)))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(variables) && !value; i++) {
			value = value_behind(*e, variables[i].name);
			if (value && !values[i])
				values[i] = value;
		}
	}
}

at_start int config_load(struct config *config, config_complain_fn *complain, void *arg)
{
	const char *values[ARRAY_SIZE(variables)] = { NULL };
	const char **next = values;
	const char *value;
	const char *why;
	int complaints = 0;

	memset(config, 0, sizeof(*config));
	values_find(values);
#define CONFIG(NAME, field, parser, fallback, text) \
	if (parse_##parser(fallback, &config->field)) { \
		config_free(config); \
		return -ENOMEM; \
	} \
	value = *next++; \
	why = value && *value ? parse_##parser(value, &config->field) : NULL; \
	if (why) { \
		complaints++; \
		if (complain) \
			complain(arg, PREFIX #NAME, value, why); \
	}
#include "base/config_tbl.h"
#undef CONFIG
	return complaints;
}

void config_free(struct config *config)
{
	string_put(config->paths);
	string_put(config->device);
	string_put(config->frozen);
	string_put(config->skip);
	string_put(config->runtime_dir);
	string_put(config->log);
	string_put(config->tier);
	string_put(config->tier_key);
	string_put(config->tier_name);
	memset(config, 0, sizeof(*config));
}

static void unknown_complain(const char *name, config_complain_fn *complain, void *arg)
{
	char why[96] = "is not a variable of rawcache";
	struct nearest nearest;

	/* without the prefix, which would make any two of them near */
	nearest_init(&nearest, name + strlen(PREFIX));
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		nearest_offer(&nearest, variables[i].name + strlen(PREFIX));
	if (nearest.best)
		snprintf(why, sizeof(why),
			 "is not a variable of rawcache; did you mean " PREFIX "%s?", nearest.best);
	complain(arg, name, NULL, why);
}

static bool variable_known(const char *name)
{
	/* read by the command and by tests */
	if (!strcmp(name, PREFIX "PRELOAD") || !strncmp(name, PREFIX "TEST", strlen(PREFIX "TEST")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (!strcmp(name, variables[i].name))
			return true;
	return false;
}

int config_report_unknown(config_complain_fn *complain, void *arg)
{
	int unknown = 0;

	for (char **e = environ; e && *e; e++) {
		const char *equals = strchr(*e, '=');
		char name[64];
		size_t n = equals ? (size_t)(equals - *e) : 0;

		if (strncmp(*e, PREFIX, strlen(PREFIX)) || !n || n >= sizeof(name))
			continue;
		memcpy(name, *e, n);
		name[n] = '\0';
		if (variable_known(name))
			continue;
		unknown++;
		unknown_complain(name, complain, arg);
	}
	return unknown;
}

void config_to_options(const struct config *config, struct rawcache_options *options)
{
	rawcache_options_init(options, sizeof(*options));
	options->device = config->device;
	options->runtime_dir = *config->runtime_dir ? config->runtime_dir : NULL;
	options->mmap_threshold = config->mmap_threshold;
	options->readahead = config->readahead;
	options->resident = config->resident;
	options->ttl = config->ttl;
	options->settle_ms = config->settle_ms;
	if (config->revalidate_ms != CONFIG_REVALIDATE_SYNC)
		options->look_ms = config->revalidate_ms; /* UINT32_MAX: at opening only */
	options->sendfile = config->sendfile;
	options->direct = config->direct;
	options->keep_origin = config->keep_origin;
	options->io = config->io;
	options->verify = config->verify;
	options->trust = config->trust;
	options->tier = *config->tier ? config->tier : NULL;
	options->tier_key = config->tier_key;
	options->tier_name = config->tier_name;
	options->tier_mode = config->tier_mode;
	options->tier_ttl = config->tier_ttl;
	options->tier_epoch = config->tier_epoch;
	options->tier_prefer = config->tier_prefer;
	options->allow_shared = config->shared;
	options->manual_fork = 1; /* the shim orders its own handlers around the cache's */
}

int config_default_device(char *buf, size_t n)
{
	const char *cache = secure_getenv("XDG_CACHE_HOME");
	const char *home = secure_getenv("HOME");
	int len;

	if (cache && *cache == '/')
		len = snprintf(buf, n, "%s/rawcache/cache.img", cache);
	else if (home && *home == '/')
		len = snprintf(buf, n, "%s/.cache/rawcache/cache.img", home);
	else
		return -ENOENT;
	return len < 0 || (size_t)len >= n ? -ENAMETOOLONG : 0;
}
