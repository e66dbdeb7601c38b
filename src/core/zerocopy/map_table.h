/* SPDX-License-Identifier: MIT */
/*
 * Mappings of cached files that lie in this process's address space: which pieces of it are
 * pages of which region. Each piece holds its region (region_hold.h) from before it is mapped until
 * after it is unmapped.
 *
 * Nobody has to tell us of every change of the address space: a piece that was unmapped, moved
 * or replaced behind our back keeps its hold, which costs a region and never a wrong byte. Before the origin's pages
 * take the place of the image's the kernel is asked what lies there.
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

/* Under the lock: we want to hear of changes there. */
void maps_span(struct maps *maps, uintptr_t start, uintptr_t end);

/* Under the lock: pieces of files that have ended, or were written to, become the origin's where they can. */
void maps_recall(struct rawcache *cache);

/* Under the lock: pieces of regions that are asked for become the origin's where they can. */
void maps_yield(struct rawcache *cache);

/* The pages at `from` lie at `to` now; if not, what was there may be unmapped. */
bool pages_move(const char *from, size_t n, uintptr_t to);

/*
 * What lies at `address`, at most `length` bytes of it; false: nothing that is known. It was so
 * when it was mapped: the program may have mapped other pages behind our back, and written to these
 * if they are `changeable`.
 */
bool maps_run(struct maps *maps, const void *address, uint64_t length, struct run *run,
	      bool *changeable);

/* lock(flags), which is mlockall(): all memory but the image's regions, which would be read as a whole. */
int maps_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags);

void maps_fork_prepare(struct maps *maps);
void maps_fork_release(struct maps *maps);

/*
 * The child's pieces need holds of its own while the parent's still stand. Where the parent's are
 * gone already and the region was recycled, the piece becomes inaccessible.
 */
void maps_fork_child(struct rawcache *cache);

/*
 * A page of a piece cannot be read (SIGBUS): true when the origin's page is in its place now. Not for
 * pages that never were a piece: their faults are the program's, whether they can be read or not.
 */
bool maps_fault(struct rawcache *cache, uintptr_t address);

#endif
