/* SPDX-License-Identifier: MIT */
/*
 * Mappings of cached files in this process's address space: which pieces of it are pages of which region.
 * Each piece holds its region (region_hold.h) from before it is mapped until after it is unmapped.
 *
 * The table need not learn of every change of the address space: a piece that was unmapped, moved or
 * replaced behind our back keeps its hold, which costs a region and never a wrong byte. Before the origin's
 * pages are put in the place of the image's, the kernel is asked what lies there.
 */
#ifndef CORE_MAP_TABLE_H
#define CORE_MAP_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rawcache/embed.h>

#include "base/critical.h"
#include "core/shared/embedded.h"

struct rawcache;
struct run;

void maps_init(struct maps *maps);

void maps_lock(struct maps *maps, struct critical *critical);
void maps_unlock(struct maps *maps, struct critical *critical);

/* Under the lock: report that changes of this range must be announced to us. */
void maps_span(struct maps *maps, uintptr_t start, uintptr_t end);

/*
 * Under the lock: let pieces of files that have ended, or were written to, become the origin's where
 * possible.
 */
void maps_recall(struct rawcache *cache);

/* Under the lock: let pieces of regions that are asked for become the origin's where possible. */
void maps_yield(struct rawcache *cache);

/* Move the pages at `from` to `to`. False: it failed, and what was at `to` may be unmapped. */
bool pages_move(const char *from, size_t n, uintptr_t to);

/*
 * Find the run that is mapped at `address`, at most `length` bytes of it. Returns false if nothing is known there.
 * The answer is that of the time of mapping: the program may have mapped other pages behind our back, and may have
 * written to these if they are `changeable`.
 */
bool maps_run(struct maps *maps, const void *address, uint64_t length, struct run *run,
	      bool *changeable);

/*
 * Call lock(flags), which is mlockall(), for all memory except the image's regions, which it would read as
 * a whole.
 */
int maps_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags);

void maps_fork_prepare(struct maps *maps);
void maps_fork_release(struct maps *maps);

/*
 * Call in a fork child: its pieces need holds of their own while the parent's still stand. If the parent's
 * are gone already and the region was recycled, the piece becomes inaccessible.
 */
void maps_fork_child(struct rawcache *cache);

/*
 * A page of a piece cannot be read (SIGBUS). Returns true when the origin's page is in its place. Returns
 * false for pages that never were a piece: their faults are the program's, whether they can be read or not.
 */
bool maps_fault(struct rawcache *cache, uintptr_t address);

#endif
