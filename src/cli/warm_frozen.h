/* SPDX-License-Identifier: MIT */
/* rawcache warm --frozen. */
#ifndef CLI_WARM_FROZEN_H
#define CLI_WARM_FROZEN_H

#include <stdbool.h>

#include "cli/filelist.h"
#include "cli/target.h"

/* Record the tree of `dir`, and say so if `tell`. GO_ON or a status. */
int warm_frozen_record(const struct target *target, const char *dir, unsigned int jobs, bool tell);

/* Those that lie in the record need not be read through the image. */
void warm_frozen_shorten(struct filelist *list);

#endif
