/* SPDX-License-Identifier: MIT */
/* Reads of several chunks that lie side by side in the image. */
#ifndef CORE_STRETCH_H
#define CORE_STRETCH_H

#include "core/fill/fill.h"

/* Whether some of the chunk was in memory when it was last read: a hint. */
bool piece_seen(const struct file *file, const struct want *want);

ssize_t read_stretch(struct rawcache *cache, struct file *file, uint64_t handle,
		     const struct want *want);

#endif
