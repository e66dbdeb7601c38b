/* SPDX-License-Identifier: MIT */
/* What `rawcache run --stats` says when the program has ended. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include <rawcache/stats.h>

/* What the image's totals gained meanwhile, to standard error. */
void summary_print(const struct rawcache_stats *gained);

#endif
