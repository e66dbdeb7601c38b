/* SPDX-License-Identifier: MIT */
/* Reads of several chunks that lie side by side in the image. */
#ifndef CORE_STRETCH_H
#define CORE_STRETCH_H

#include "core/fill/fill.h"

/* Whether some of the chunk was in memory when it was last read: a hint. */
bool piece_seen(const struct file *file, const struct want *want);

/*
 * Read chunks that lie side by side, and on the disk only, by one system call, as from a file without a cache:
 * `want` is of the first one, whose key is `key`. Returns bytes, or -EAGAIN: read chunk by chunk. The caller holds a
 * reference of `file`.
 */
ssize_t stretch_read(struct rawcache *cache, struct file *file, const struct want *want,
		     const struct key *key);

#endif
