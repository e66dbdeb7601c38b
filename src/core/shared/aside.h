/* SPDX-License-Identifier: MIT */
/*
 * Counting aside: for processes that have no slot - they may not open the image, only read it, or do not reach its
 * segment
 * - so that somebody is told that they are not served, or of what is. A page in the directory of
 * segments for each user and image, "rawcache-aside-USER-HASH", which all such processes of the user add to.
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

/* In a fork child: its parent's page is its own, too. */
void aside_fork_child(void);

/* Whether the fault was in the page, because somebody cut the file short: it is private memory now. */
bool aside_fault(uintptr_t address);

/* Add what was counted aside for the image; `segment` is the path of its segment, beside which the pages lie. */
void aside_total(const struct image *image, const char *segment, struct rawcache_stats *total);

/* Whether a file of that name and content is one of ours for an image that is no more. */
bool aside_left(int dir, const char *name);

#endif
