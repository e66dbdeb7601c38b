/* SPDX-License-Identifier: MIT */
/*
 * mlockall() of a process that has an image mapped. The kernel refuses it if all mappings together exceed
 * RLIMIT_MEMLOCK, and the image is larger than any limit: then the program's own mappings are locked one by
 * one.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include "core/shared/cache.h"

/*
 * Lock the mappings that are not the cache's, if they are within the limit. Of `flags`, MCL_ONFAULT has an
 * effect. 0 or -errno.
 */
int lock_others(const struct rawcache *cache, int flags);

#endif
