/* SPDX-License-Identifier: MIT */
/* Faults in our memory: pages of the image or of the segment that cannot be read. */
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/api/list.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/shared/aside.h"
#include "core/shared/cache.h"
#include "core/shared/runtime.h"
#include "core/shared/storage.h"
#include "core/zerocopy/map_table.h"

/* Replace a page of ours that the kernel cannot read by zeros: nothing is found in them. */
static bool page_replace(struct rawcache *cache, uintptr_t address, const void *start, uint64_t n)
{
	uintptr_t page = address & ~(uintptr_t)(FORMAT_PAGE - 1);

	if (!start || address < (uintptr_t)start || address >= (uintptr_t)start + n)
		return false;
	storage_lost(cache);
	return !sys_is_error(sys_mmap((void *)page, FORMAT_PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static bool cache_fault(struct rawcache *cache, uintptr_t at)
{
	return page_replace(cache, at, cache->image.meta, cache->image.meta_bytes) ||
	       page_replace(cache, at, cache->runtime.header, cache->runtime.bytes);
}

bool rawcache_handle_fault(void *address)
{
	uintptr_t at = (uintptr_t)address;

	if (guard_fault(address) || (cache_unlisted && cache_fault(cache_unlisted, at)) ||
	    aside_fault(at))
		return true;
	for (struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next)
		if (cache_fault(cache, at))
			return true;
	return false;
}

bool rawcache_maps_fault(void *address)
{
	for (struct rawcache *cache = load_acquire(&caches); cache; cache = cache->next) {
		if (!maps_fault(cache, (uintptr_t)address))
			continue;
		storage_lost(cache);
		if (stats_mine)
			stats_add(io_errors, 1);
		return true;
	}
	return false;
}
