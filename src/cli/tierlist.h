/* SPDX-License-Identifier: MIT */
/* The servers of the tier as a user names them. */
#ifndef CLI_TIERLIST_H
#define CLI_TIERLIST_H

#include <stddef.h>

/*
 * Put numbers in the place of names: programs below the cache look no names up. `command` is who complains.
 * GO_ON or a status.
 */
int tierlist_resolve(const char *command, const char *list, char *to, size_t room);

/* Say that the library refuses the tier, for the reason `why`. A status. */
int tierlist_refused(const char *why);

#endif
