/* SPDX-License-Identifier: MIT */
/* The part of `rawcache explain` that is about directories. */
#ifndef CLI_EXPLAIN_NAMES_H
#define CLI_EXPLAIN_NAMES_H

#include "cli/json.h"
#include "cli/target.h"

/*
 * Print of each directory whether programs with this configuration remember its absent names, where `paths`
 * are cached (NULL: none); as JSON if `json` is not NULL. A status: 0 if they do for all of them.
 */
int explain_names(const struct target *target, const char *paths, struct json *json, char **names);

#endif
