/* SPDX-License-Identifier: MIT */
/* What `rawcache run --stats` says when the program has ended. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "cli/sample.h"

/* What the image's totals gained between two samples, to standard error. */
void summary_print(const struct sample *before, const struct sample *after);

#endif
