/* SPDX-License-Identifier: MIT */
/*
 * Counting aside: for processes that have no slot - they may not open the image, only read it, do not see it, or do
 * not reach its segment - so that somebody is told that they are not served, or of what is. It is done in the nearest
 * place that they can write: the totals of the image, or else a page in the directory of segments for each user and
 * image, "rawcache-aside-USER-HASH", which all such processes of the user add to.
 *
 * Who owns it writes in it what he likes: what it says is shown as numbers, and believed no further.
 */
#ifndef CORE_ASIDE_H
#define CORE_ASIDE_H

#include "core/image/image.h"

/*
 * Count there from now on, if no cache of this process counts. `dir` NULL: /dev/shm; `device` as it was named.
 * Where nothing can be written, counts stay in private memory. Until aside_end().
 */
void aside_begin(const char *dir, const char *device);

/*
 * The same in the image's own totals, for who may write the image and does not see its segment, nor, then, where
 * pages lie. False: it is no place for that.
 */
bool aside_begin_totals(const char *device, bool allow_shared);

/* In a fork child: its parent's page is its own, too. */
void aside_fork_child(void);

/* Whether the fault was in the page, because somebody cut the file short: it is private memory now. */
bool aside_fault(uintptr_t address);

/* Add what was counted aside for the image; `segment` is the path of its segment, beside which the pages lie. */
void aside_total(const struct image *image, const char *segment, struct rawcache_stats *total);

/* Whether a file of that name and content is one of ours for an image that is no more. */
bool aside_left(int dir, const char *name);

#endif
