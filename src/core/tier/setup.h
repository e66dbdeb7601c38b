/* SPDX-License-Identifier: MIT */
/*
 * What the variables RAWCACHE_TIER... say, checked: the servers, the secret, the names of data sets. Taken over
 * once in a process, by the first cache that asks for it.
 */
#ifndef CORE_TIER_SETUP_H
#define CORE_TIER_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

#include "core/tier/seal.h"
#include "core/tier/servers.h"

#define SETUP_NAMES 16u

struct setup_name {
	char directory[256];
	char name[64];
	char prefix
		[256]; /* what the directory is called where the name begins; ends in '/', or empty */
	uint64_t hash; /* of the name and the epoch; never 0 */
};

struct setup {
	struct servers servers;
	uint8_t secret[SEAL_SECRET];
	struct seal_loader loader;
	struct setup_name name[SETUP_NAMES];
	uint32_t given; /* of the names: by the user */
	uint32_t names; /* grows: those of NFS mounts are found out, see derive.h */
	uint32_t ttl;	/* seconds; 0: for ever */
	uint32_t epoch;
	bool read_only;
	bool prefer; /* whatever it costs in time */
};

/* 0, or -errno and one sentence's end about why not: "... is refused: WHY". */
int setup_read(const struct rawcache_options *options, struct setup *setup, const char **why);

/* Give a name its text and hash. False: it is too long. */
bool setup_name_set(const struct setup *setup, struct setup_name *name, const char *text, size_t n);

/* The rest of `path` below the directory, or NULL. */
const char *setup_rest(const struct setup_name *name, const char *path);

/* Of the deepest directory that `path` is below, of those that the user has named; NULL: of none. */
const struct setup_name *setup_find(const struct setup *setup, const char *path);

#endif
