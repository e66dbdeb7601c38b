/* SPDX-License-Identifier: MIT */
/* What the preload object asks of all caches of the process. */
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "core/api/list.h"
#include "core/image/image.h"
#include "core/origin/handover.h"
#include "core/origin/io.h"
#include "core/origin/pool.h"
#include "core/shared/cache.h"
#include "core/shared/runtime.h"
#include "core/shared/slot.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/lock.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/watcher.h"

bool rawcache_owns_fd(int fd)
{
	for (const struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next)
		if (fd >= 0 && (fd == cache->image.fd || fd == cache->runtime.fd ||
				fd == load_relaxed(&cache->direct_fd) - 1))
			return true;
	return fd >= 0 && (io_owns_fd(fd) || handover_owns(fd));
}

void rawcache_helpers_dismiss(void)
{
	follow_dismiss();
	for (struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next)
		watcher_dismiss(cache);
}

void rawcache_confine(void)
{
	slot_confine();
}

bool rawcache_helpers_leave(void)
{
	follow_dismiss();
	for (struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next)
		watcher_pause(cache);
	return pools_leave();
}

void rawcache_helpers_step_aside(void)
{
	pools_step_aside();
}

void rawcache_helpers_return(void)
{
	pools_return();
	for (struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next)
		watcher_resume(cache);
}

int rawcache_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags)
{
	int ret = maps_lock_all(cache, lock, flags);

	if (!ret || !(flags & MCL_CURRENT) || lock_others(cache, flags))
		return ret;
	return flags & MCL_FUTURE ? lock(flags & ~MCL_CURRENT) : 0;
}
