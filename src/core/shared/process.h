/* SPDX-License-Identifier: MIT */
/*
 * Processes in the runtime segment. The owner of a slot holds the lock of its byte on the segment; `used`
 * says whether the slot has statistics that are not folded yet. So a slot that is used but not locked
 * belongs to a dead process: the next process that sees it folds it (INV-8).
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include "core/shared/cache.h"

/* Take a slot, with process_lock held. -EAGAIN: all are taken. */
int process_attach(struct rawcache *cache);

/* Fold our own slot and give it back. */
void process_detach(struct rawcache *cache);

/* Whether the owner of the slot lives. The slot of a dead one is folded. */
bool process_alive(struct rawcache *cache, uint32_t slot);

/* Number of slots that were ever used: scans end there. */
uint32_t process_high(const struct rawcache *cache);

/* Fold all dead processes; returns how many live. */
unsigned int process_reap(struct rawcache *cache);

/* Statistics of one slot: its own and those of its threads. */
void process_stats(const struct rawcache *cache, uint32_t slot, struct rawcache_stats *stats);

#endif
