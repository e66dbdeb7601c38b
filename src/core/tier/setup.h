/* SPDX-License-Identifier: MIT */
/*
 * The values of the variables RAWCACHE_TIER..., checked: the servers, the secret, the names of data sets.
 * The first cache of a process that asks for the tier takes them over, once.
 */
#ifndef CORE_TIER_SETUP_H
#define CORE_TIER_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

#include "core/tier/seal.h"
#include "core/tier/servers.h"

#define SETUP_NAMES \
	16u /* data sets with a name of their own: as many as mounts in the segment, TIER_ORIGINS */

struct setup_name {
	char directory[256];
	char name[64];
	char prefix
		[256]; /* the directory's path from the root of the data set on; ends in '/', or empty */
	uint32_t epoch;
	uint64_t hash; /* of the name and of the epoch; never 0 */
};

struct setup {
	struct servers servers;
	uint8_t secret[SEAL_SECRET];
	struct seal_loader loader;
	struct setup_name name[SETUP_NAMES];
	uint32_t given; /* number of names that the user has given */
	/* number of all names; grows when names of NFS mounts are derived: see derive.h */
	uint32_t names;
	uint32_t ttl;	   /* seconds; 0: for ever */
	uint32_t epoch;	   /* of all data sets; lines of `raised` add to it for one */
	char raised[4096]; /* what `rawcache tier bump` has written beside the secret: a page */
	bool read_only;
	bool prefer; /* whatever it costs in time */
};

/* Read and check the options. 0, or -errno; *why completes the sentence "... is refused: WHY". */
int setup_read(const struct rawcache_options *options, struct setup *setup, const char **why);

/* Set the text and the hash of a name. False: it is too long. */
bool setup_name_set(const struct setup *setup, struct setup_name *name, const char *text, size_t n);

/* The rest of `path` below the directory, or NULL. */
const char *setup_rest(const struct setup_name *name, const char *path);

/* The name of the deepest user-named directory that contains `path`, or NULL. */
const struct setup_name *setup_find(const struct setup *setup, const char *path);

#endif
