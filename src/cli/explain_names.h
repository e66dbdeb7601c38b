/* SPDX-License-Identifier: MIT */
/* The part of `rawcache explain` that is about directories. */
#ifndef CLI_EXPLAIN_NAMES_H
#define CLI_EXPLAIN_NAMES_H

#include "cli/json.h"
#include "cli/target.h"

/*
 * Tell of each directory whether names that do not exist in it are remembered by programs with this configuration,
 * where `paths` are cached (NULL: none); as JSON where `json` is not NULL. A status: 0 if of all of them.
 */
int explain_names(const struct target *target, const char *paths, struct json *json, char **names);

#endif
