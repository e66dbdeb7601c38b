/* SPDX-License-Identifier: MIT */
/*
 * fork(): every lock of the process is taken before, and let go of on both sides. What is process-wide, in the order of
 * the locks:
 *
 *	caches			api/list.c		all caches of the process; below, the locks of each
 *	followers and their list	zerocopy/map_follow.c	mappings of what is cached in part
 *	watchers		zerocopy/watcher.c	threads that answer writers of mapped files
 *	fetches, fetch_storers	fill/fetch_table.c	chunks on their way into the image
 *	the link		tier/link.c		connections to the servers of the tier
 *	opens, openers		origin/opens_queue.c	files opened ahead of the program
 *	readers, kept, the ring	origin/io_threads.c, origin_fds.c, io_uring.c
 *	origins			origin/origin.c		what is known of mounts
 *	memory			base/memory.c		the pool that all of these take from
 *
 * and without a lock: pool_threads (origin/pool.h), stats_mine (base/stats.h), what a thread of its own holds.
 */
#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/record_locks.h"
#include "base/stats.h"
#include "core/api/list.h"
#include "core/fill/fetch.h"
#include "core/origin/file.h"
#include "core/origin/opens_queue.h"
#include "core/origin/origin.h"
#include "core/read/resident.h"
#include "core/shared/aside.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/shared/watch.h"
#include "core/tier/link.h"
#include "core/tier/tier.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/watcher.h"

static struct critical fork_critical; /* used by the thread that forks; caches_lock is held */
static uint32_t fork_handlers_registered;

void fork_handlers_register(void)
{
	uint32_t no = 0;

	if (cas(&fork_handlers_registered, &no, 1))
		pthread_atfork(rawcache_fork_prepare, rawcache_fork_parent, rawcache_fork_child);
}

/* Signals are held back from here to the release: a handler that reads would wait for its own thread. */
void rawcache_fork_prepare(void)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&caches_lock);
	fork_critical = critical;
	follow_fork_prepare();
	watcher_fork_prepare();
	fetch_fork_prepare();
	link_fork_prepare();
	for (struct rawcache *cache = caches; cache; cache = cache->next) {
		pthread_mutex_lock(&cache->process_lock);
		files_fork_prepare(cache);
		maps_fork_prepare(&cache->maps);
		pthread_mutex_lock(&cache->watch_lock);
	}
	opens_fork_prepare();
	origin_fork_prepare();
	memory_fork_prepare();
}

static void helpers_fork_parent(void)
{
	opens_fork_parent();
	link_fork_parent();
	fetch_fork_parent();
	watcher_fork_parent();
	follow_fork_parent();
}

static void helpers_fork_child(void)
{
	opens_fork_child();
	link_fork_child();
	tier_fork_child();
	fetch_fork_child();
	watcher_fork_child();
	follow_fork_child();
}

static void fork_release(void (*helpers_release)(void))
{
	struct critical critical = fork_critical;

	memory_fork_release();
	origin_fork_release();
	for (struct rawcache *cache = caches; cache; cache = cache->next) {
		pthread_mutex_unlock(&cache->watch_lock);
		maps_fork_release(&cache->maps);
		files_fork_release(cache);
		pthread_mutex_unlock(&cache->process_lock);
	}
	helpers_release();
	pthread_mutex_unlock(&caches_lock);
	critical_leave(&critical);
}

void rawcache_fork_parent(void)
{
	fork_release(helpers_fork_parent);
}

void rawcache_fork_child(void)
{
	stats_fork_child();
	aside_fork_child();
	record_locks_fork_child();
	for (struct rawcache *cache = caches; cache; cache = cache->next) {
		slot_fork_child(cache);
		resident_fork_child(cache);
	}
	fork_release(helpers_fork_child);
	for (struct rawcache *cache = caches; cache; cache = cache->next) {
		maps_fork_child(cache);
		watcher_fork_anew(cache);
		/* the child has its parent's mappings, and the parent may be gone before it stores */
		if (watch_stores(cache))
			cache_slot_need(cache);
	}
}
