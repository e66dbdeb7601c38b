/* SPDX-License-Identifier: MIT */
/*
 * Counting aside: statistics of processes that have no slot, because they may not open the image, may only read it,
 * do not see it, or do not reach its segment. So `rawcache stat` can tell that they are not served. They count in the
 * nearest place that they can write: the totals of the image, or else a page in the directory of segments for each
 * user and image, "rawcache-aside-USER-HASH", to which all such processes of the user add.
 *
 * The owner of the page can write anything into it: its contents are shown as numbers, and nothing else
 * depends on them.
 */
#ifndef CORE_ASIDE_H
#define CORE_ASIDE_H

#include "core/image/image.h"

/*
 * Count there from now on, if no cache of this process counts. `dir` NULL: /dev/shm; `device` as it was named.
 * Where nothing can be written, counts stay in private memory.
 */
void aside_begin(const char *dir, const char *device);

/*
 * The same in the image's own totals, for a process that may write the image but does not see its segment, and so not
 * the directory of pages either. False: the totals cannot be used for that.
 */
bool aside_begin_totals(const char *device, bool allow_shared);

/* In a fork child: go on counting in the page of the parent. */
void aside_fork_child(void);

/* Whether the fault was in the page, because somebody cut the file short: it is private memory now. */
bool aside_fault(uintptr_t address);

/* Add what was counted aside for the image; `segment` is the path of its segment, beside which the pages lie. */
void aside_total(const struct image *image, const char *segment, struct rawcache_stats *total);

/* Whether a file of that name and content is one of ours for an image that is no more. */
bool aside_left(int dir, const char *name);

#endif
