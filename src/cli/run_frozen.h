/* SPDX-License-Identifier: MIT */
/* rawcache run --frozen: trees that are one version. */
#ifndef CLI_RUN_FROZEN_H
#define CLI_RUN_FROZEN_H

#include <stddef.h>

#include "cli/pathlist.h"
#include "cli/target.h"

/* "DIR" or "DIR=TIME": it is cached, too, and the program is told. GO_ON or a status. */
int run_frozen_take(struct pathlist *given, const char *value);

/* Those that RAWCACHE_FROZEN names are recorded where no record counts. GO_ON or a status. */
int run_frozen_prepare(const struct target *target);

/*
 * What the record of a tree says of the directory `path`, a sentence, for which there is room in `text`; NULL: it lies
 * in no tree that RAWCACHE_FROZEN names.
 */
const char *run_frozen_explain(const struct target *target, const char *path, char *text, size_t n);

#endif
