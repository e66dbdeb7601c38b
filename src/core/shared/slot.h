/* SPDX-License-Identifier: MIT */
/*
 * The slot of this process in the runtime segment: when it is taken, and which cache of the process
 * counts statistics. Taking and folding slots is in process.h.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "core/shared/cache.h"

/* Take a slot. 0, or -errno as process_attach(). */
int slot_take(struct rawcache *cache);

/*
 * Call after attaching ended with `reason`: if no cache of this process counts in a segment, count aside
 * (aside.h), so that `rawcache stat` shows it.
 */
void slot_count_aside(const struct rawcache_options *options, enum rawcache_reason reason);

/* A fork child has no slot until it needs one. 0, or why there is none (-EROFS). */
int cache_slot_need(struct rawcache *cache);

/* Call in a fork child: the slot stays the parent's, the child has none yet. */
void slot_fork_child(struct rawcache *cache);

/*
 * Call when this process is about to have its system calls filtered: from then on fork children take no
 * slot, because they could not make the calls for it.
 */
void slot_confine(void);

/* The attached cache of this process that counts statistics; NULL: none. */
struct rawcache *cache_current(void);

/* Count in the runtime segment from now on, if this cache is the first of the process. */
void cache_announce(struct rawcache *cache);

/* Call when this cache is being detached: it must not count any more. */
void cache_renounce(struct rawcache *cache);

#endif
