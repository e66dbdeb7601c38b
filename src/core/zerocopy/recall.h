/* SPDX-License-Identifier: MIT */
/*
 * Mappings of the image become the origin's: all that are of files which somebody writes to, or which
 * are not what they were. Each takes the lock of map_table.h, in a critical section.
 */
#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "core/zerocopy/shown.h"

/*
 * The file's pages may be shown from now on, with a reference; `fd` is it. NULL: a writer of it is
 * known, or nobody would tell of one.
 */
struct shown *recall_show(struct rawcache *cache, const struct file *file, int fd);
void recall_hide(struct rawcache *cache, struct shown *shown);

/* The pieces of what has ended, or was written to, become the origin's. */
void recall(struct rawcache *cache);

/* The pieces whose regions others need do. */
void recall_asked(struct rawcache *cache);

/* All of them do: nobody will tell us of changes any more. */
void recall_all(struct rawcache *cache);

/*
 * Look at all of them, by their paths; whether one has changed. `local`: only those of which the kernel
 * has the attributes, *locals of them; otherwise servers are asked, and waited for.
 */
bool recall_look(struct rawcache *cache, bool local, uint32_t *locals);

#endif
