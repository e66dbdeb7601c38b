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
 * Count in such a page from now on, if no cache of this process counts. `dir` NULL: /dev/shm; `device` as
 * it was named. If nothing can be written, counts stay in private memory.
 */
void aside_begin(const char *dir, const char *device);

/*
 * Count in the image's own totals: for a process that may write the image but does not see its segment, and
 * so not the directory of pages either. False: the totals cannot be used for that.
 */
bool aside_begin_totals(const char *device, bool allow_shared);

/* Call in a fork child: it goes on counting in the page of its parent. */
void aside_fork_child(void);

/*
 * Whether the fault was in the page, because its file was truncated. The page is private memory afterwards.
 */
bool aside_fault(uintptr_t address);

/*
 * Add what was counted aside for the image to *total; `segment` is the path of its segment, in whose
 * directory the pages lie.
 */
void aside_total(const struct image *image, const char *segment, struct rawcache_stats *total);

/* Whether a file with that name and content is a page of ours for an image that is gone. */
bool aside_left(int dir, const char *name);

#endif
