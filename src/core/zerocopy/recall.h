/* SPDX-License-Identifier: MIT */
/*
 * Mappings of the image become mappings of the origin: pieces of files that somebody writes to, or that
 * have changed. Each function takes the lock of map_table.h.
 */
#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "core/zerocopy/shown.h"

/*
 * Allow the file's pages to be mapped from the image, and take a reference; `fd` is the file. NULL: a
 * writer of it is known, or nobody would report one.
 */
struct shown *recall_show(struct rawcache *cache, const struct file *file, int fd);
/* Release the reference. Both are called in a critical section. */
void recall_hide(struct rawcache *cache, struct shown *shown);

/* Let the pieces of files that have ended, or were written to, become the origin's. */
void recall(struct rawcache *cache);

/* The same for pieces whose regions are asked for. */
void recall_asked(struct rawcache *cache);

/* The same for all pieces: nobody will report changes any more. */
void recall_all(struct rawcache *cache);

/*
 * Check all files by their paths; returns whether one has changed. `local`: only files whose attributes the
 * kernel has; *locals is their number. Otherwise servers are asked, and waited for.
 */
bool recall_look(struct rawcache *cache, bool local, uint32_t *locals);

#endif
