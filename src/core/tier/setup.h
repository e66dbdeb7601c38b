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
	uint64_t hash; /* of the name and the epoch; never 0 */
};

struct setup {
	struct servers servers;
	uint8_t secret[SEAL_SECRET];
	struct seal_loader loader;
	struct setup_name name[SETUP_NAMES];
	uint32_t names;
	uint32_t ttl; /* seconds; 0: for ever */
	uint32_t epoch;
	bool read_only;
};

/* 0, or -errno and one sentence's end about why not: "... is refused: WHY". */
int setup_read(const struct rawcache_options *options, struct setup *setup, const char **why);

/* Of the deepest directory that `path` is below, with the rest of the path; NULL: of none. */
const struct setup_name *setup_find(const struct setup *setup, const char *path, const char **rest);

#endif
