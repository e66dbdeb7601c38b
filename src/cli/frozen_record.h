/* SPDX-License-Identifier: MIT */
/* Recording a frozen tree: base/frozen.h. */
#ifndef CLI_FROZEN_RECORD_H
#define CLI_FROZEN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/target.h"

struct frozen_recorded {
	/* number of names, of those for which the origin is asked, and bytes in the record */
	uint64_t names, unknown, bytes;
};

/*
 * Record the tree of `path`, which is canonical, with so many threads at a time, for programs that use the target's
 * image. What changed a moment ago is waited for. GO_ON or a status.
 */
int frozen_record(const struct target *target, const char *path, unsigned int jobs,
		  struct frozen_recorded *recorded);

/* Why a tree on the file system of `fd` cannot be frozen; NULL: it can. Static text. */
const char *frozen_refused(int fd);

#endif
