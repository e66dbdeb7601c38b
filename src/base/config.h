/* SPDX-License-Identifier: MIT */
/*
 * Configuration from the environment. It is parsed and copied once, because programs rewrite their
 * environment (nginx), and set-uid programs must not listen to it (secure_getenv()). The command prints
 * complaints and stops; the shim takes the default for each value that cannot be parsed.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

/* Words in the place of a number: no program waits for 49 days, and a switch is 0 or 1 otherwise. */
#define CONFIG_REVALIDATE_OPEN UINT32_MAX
#define CONFIG_REVALIDATE_SYNC (UINT32_MAX - 1)
#define CONFIG_AUTO 2 /* of what may be 0 or 1, too */

struct config {
	char *paths; /* canonical "DIR:!DIR:...", as given but without trailing slashes */
	char *device;
	uint64_t size;
	uint64_t mmap_threshold; /* RAWCACHE_AUTO or bytes */
	uint64_t resident;
	uint64_t readahead;
	uint32_t ttl;
	uint32_t settle_ms;
	/* milliseconds; CONFIG_REVALIDATE_OPEN: at opening only; CONFIG_REVALIDATE_SYNC */
	uint32_t revalidate_ms;
	uint8_t sendfile;
	uint8_t direct;
	uint8_t io;
	uint8_t verify;
	uint8_t names;	   /* CONFIG_AUTO, or 0 or 1 */
	uint8_t openahead; /* the same */
	uint8_t keep_origin;
	uint8_t shared;
	uint8_t early;
	uint8_t trust;
	uint8_t disable;
	uint8_t log_level;
	char *frozen; /* "DIR=TIME:DIR..." */
	char *skip;
	char *runtime_dir;
	char *log;
	char *tier;
	char *tier_key;
	char *tier_name;
	uint32_t tier_ttl;
	uint32_t tier_epoch;
	uint8_t tier_mode;
	uint8_t tier_prefer;
};

/* Called with one sentence about a variable that is wrong: its full name, its value and the reason. */
typedef void config_complain_fn(void *arg, const char *name, const char *value, const char *why);

/*
 * Read all variables; an empty one counts as unset. Strings live in memory of the config's own (config_free()).
 * Returns the number of complaints made (the defaults stand in), or -ENOMEM. Not thread-safe against setenv().
 */
int config_load(struct config *config, config_complain_fn *complain, void *arg);
void config_free(struct config *config);

/*
 * Report RAWCACHE_ variables that exist but mean nothing, with the nearest known name where
 * there is one. Returns their number.
 */
int config_report_unknown(config_complain_fn *complain, void *arg);

/* Fill the library's options from the configuration; strings are borrowed from it. */
void config_to_options(const struct config *config, struct rawcache_options *options);

/*
 * The default image: ${XDG_CACHE_HOME:-~/.cache}/rawcache/cache.img. Returns 0, -ENOENT when
 * there is no home directory, or -ENAMETOOLONG.
 */
int config_default_device(char *buf, size_t n);

/* One row of the table, for help texts and man pages. */
struct config_variable {
	const char *name, *fallback, *text;
};
const struct config_variable *config_variables(size_t *count);

#endif
