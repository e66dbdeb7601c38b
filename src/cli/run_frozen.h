/* SPDX-License-Identifier: MIT */
/* rawcache run --frozen: trees of files that stay one version. */
#ifndef CLI_RUN_FROZEN_H
#define CLI_RUN_FROZEN_H

#include <stddef.h>

#include "cli/pathlist.h"
#include "cli/target.h"

/*
 * Take "DIR" or "DIR=TIME": the directory is also cached, and the program gets it in RAWCACHE_FROZEN. GO_ON
 * or a status.
 */
int run_frozen_take(struct pathlist *given, const char *value);

/* Record the trees of RAWCACHE_FROZEN that have no valid record. GO_ON or a status. */
int run_frozen_prepare(const struct target *target);

/*
 * A sentence about what the record of a tree says of the directory `path`, for which `text` has room; NULL:
 * it lies in no tree of RAWCACHE_FROZEN.
 */
const char *run_frozen_explain(const struct target *target, const char *path, char *text, size_t n);

#endif
