/* SPDX-License-Identifier: MIT */
/* Reports changes of the address space to the cache, around the system calls that make them. */
#ifndef SHIM_NOTES_H
#define SHIM_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include <rawcache/embed.h>

#include "base/compiler.h"

#include "shim/table/attach.h"
#include "shim/libc/thread.h"

static inline bool notes_touch(const void *address, size_t n)
{
	struct rawcache *cache = attach_cache_now();

	return unlikely(cache && rawcache_maps_touch(cache, address, n)) && attach_active &&
	       !thread_is_foreign();
}

/* Mappings in the range end, unless the call fails. */
static inline void *notes_take(const void *address, size_t n)
{
	return notes_touch(address, n) ? rawcache_maps_take(attach_cache_now(), address, n) : NULL;
}

/* How many bytes more munmap() must unmap. */
static inline size_t notes_behind(void *taken, const void *address, size_t n)
{
	return unlikely(taken != NULL) && !((uintptr_t)address % 4096) ?
		       rawcache_maps_behind(taken, (const char *)address + n) :
		       0;
}

static inline void notes_drop(void *taken, bool unmapped)
{
	if (likely(!taken))
		return;
	if (unmapped)
		rawcache_maps_drop(attach_cache_now(), taken);
	else
		rawcache_maps_put(attach_cache_now(), taken, 0);
}

#endif
