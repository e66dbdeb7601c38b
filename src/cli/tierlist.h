/* SPDX-License-Identifier: MIT */
/* The servers of the tier as a user names them. */
#ifndef CLI_TIERLIST_H
#define CLI_TIERLIST_H

#include "base/config.h"

/*
 * The value of --tier becomes that of RAWCACHE_TIER, with numbers in the place of names: programs below the cache look
 * no names up. `command` is who complains. GO_ON or a status.
 */
int tierlist_take(const char *command, const char *list);

/* Whether the tier, if there is one, is not refused: it would be in each program. GO_ON or a status. */
int tierlist_allowed(const struct config *config);

/* Say that the library refuses the tier, for the reason `why`. A status. */
int tierlist_refused(const char *why);

#endif
