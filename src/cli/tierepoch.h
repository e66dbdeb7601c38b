/* SPDX-License-Identifier: MIT */
/* The numbers beside the tier's secret: where they are raised, nothing is used that the tier had before. */
#ifndef CLI_TIEREPOCH_H
#define CLI_TIEREPOCH_H

#include <rawcache/embed.h>

/* Raise the number of the data set `name`, or if that is NULL of all. A status. */
int tierepoch_bump(const struct rawcache_options *engine, const char *name);

#endif
