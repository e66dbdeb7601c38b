/* SPDX-License-Identifier: MIT */
#include "core/space/region.h"

#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "core/shared/cache.h"
#include "core/shared/pin.h"
#include "core/shared/region_lock.h"
#include "core/shared/slot.h"
#include "core/shared/storage.h"
#include "core/space/alloc.h"
#include "core/space/recycle.h"

/* An entry's age has 17 bits of seconds from the opening of its region. */
#define REGION_OPEN_MAX_S ENTRY_AGE_MAX

/* Under the lock: the clean region that has waited longest, or REGION_NONE. */
static uint32_t region_next(struct rawcache *cache)
{
	uint32_t *next = header_of(cache)->next_region;

	for (uint32_t tries = 0; tries < RUNTIME_NEXT; tries++) {
		uint32_t number = region_checked(cache, next[0]);

		for (uint32_t i = 0; i + 1 < RUNTIME_NEXT; i++)
			store_release(&next[i], next[i + 1]);
		store_release(&next[RUNTIME_NEXT - 1], 0);
		if (number != REGION_NONE && cache->image.regions[number].state == REGION_FREE)
			return number;
	}
	return REGION_NONE;
}

/* Under the lock: make a waiting region the active one of a log, if `spare` others wait. */
static bool region_activate(struct rawcache *cache, enum region_log log, uint32_t spare)
{
	uint32_t number = regions_waiting(cache) > spare ? region_next(cache) : REGION_NONE;
	struct region *region;

	if (number == REGION_NONE)
		return false;
	region = &cache->image.regions[number];
	store_relaxed(&region->cursor, 0);
	/* 0 is no generation: metadata that were overwritten with zeros must not match remembered places */
	if (!region->generation)
		store_release(&region->generation, 1);
	store_relaxed(&region->opened, clock_real_s());
	store_relaxed(&region->order, region_order_next(cache));
	store_relaxed(&region->epoch, cache_epoch(cache));
	store_relaxed(&region->log, (uint32_t)log);
	store_release(&region->state, REGION_ACTIVE);
	CRASH_POINT(region_active);
	store_release(&header_of(cache)->active_region[log], number + 1);
	return true;
}

int region_replace(struct rawcache *cache, enum region_log log, uint32_t seen, uint32_t spare)
{
	uint32_t *active = &header_of(cache)->active_region[log];
	struct critical critical;
	bool replaced = true;
	int err = regions_lock(cache, &critical);

	if (err)
		return err;
	if (*active == seen) {
		uint32_t number = region_checked(cache, seen);

		if (number != REGION_NONE && cache->image.regions[number].state == REGION_ACTIVE)
			store_release(&cache->image.regions[number].state, REGION_SEALED);
		store_release(active, 0);
		CRASH_POINT(region_sealed);
		replaced = !recycle_users_check(cache) && region_activate(cache, log, spare);
	}
	regions_unlock(cache, &critical);
	return replaced ? 0 : -ENOENT;
}

/* Whether extents may still be cut from the region. */
static bool region_open(const struct rawcache *cache, const struct region *region)
{
	return load_acquire(&region->state) == REGION_ACTIVE &&
	       load_relaxed(&region->epoch) == cache_epoch(cache) &&
	       clock_real_s() - load_relaxed(&region->opened) < REGION_OPEN_MAX_S;
}

/* Take as many of `most` pages as the region has left, but at least `least`; *cursor is the first of them. */
static uint32_t cursor_take(struct region *region, uint32_t region_pages, uint32_t least,
			    uint32_t most, uint32_t *cursor)
{
	uint32_t pages;

	*cursor = load_relaxed(&region->cursor);
	do {
		if (*cursor > region_pages || region_pages - *cursor < least)
			return 0;
		pages = region_pages - *cursor < most ? region_pages - *cursor : most;
	} while (!cas(&region->cursor, cursor, *cursor + pages));
	return pages;
}

/* Cut from region `number`. 0; -EAGAIN: it is used up or no longer active; -EBUSY: no pin is free. */
static int region_cut(struct rawcache *cache, uint32_t number, uint32_t least, uint32_t most,
		      struct extent *extent)
{
	struct region *region = &cache->image.regions[number];
	uint32_t generation = load_acquire(&region->generation);
	uint32_t cursor;
	uint32_t pages;
	int pin;

	extent->pin = -1;
	if (!region_open(cache, region) ||
	    load_relaxed(&region->cursor) > cache->image.region_pages)
		return -EAGAIN;
	pin = pin_get(cache, number, generation);
	if (pin < 0)
		return pin == -ESTALE ? -EAGAIN : -EBUSY;
	extent->pin = pin; /* set before anything that a handler could leave by siglongjmp() */
	pages = cursor_take(region, cache->image.region_pages, least, most, &cursor);
	/* the region is pinned and has its generation still: its state cannot have gone once round */
	if (load_acquire(&region->state) != REGION_ACTIVE || !pages) {
		extent->pin = -1;
		pin_put(cache, pin);
		return -EAGAIN;
	}
	CRASH_POINT(region_cut);
	extent->page = (number << cache->image.region_pages_shift) + cursor;
	extent->pages = pages;
	extent->generation = generation;
	return 0;
}

int region_try(struct rawcache *cache, enum region_log log, uint32_t least, uint32_t most,
	       uint32_t *active, struct extent *extent)
{
	uint32_t number;

	*active = load_acquire(&header_of(cache)->active_region[log]);
	number = region_checked(cache, *active);
	return number == REGION_NONE ? -EAGAIN : region_cut(cache, number, least, most, extent);
}

int region_allowed(struct rawcache *cache, uint32_t pages)
{
	int err = cache_slot_need(cache);

	if (!err && (cache->image.read_only || !pages || pages > cache->image.region_pages))
		err = -EROFS;
	/* before anything in the region table is trusted: see storage_distrust_regions() */
	if (!err && !storage_check(cache))
		err = -EIO;
	return err;
}

void region_release(struct rawcache *cache, const struct extent *extent)
{
	pin_put(cache, extent->pin);
}

int region_drop_all(struct rawcache *cache)
{
	struct critical critical;
	int err = regions_lock(cache, &critical);

	if (err)
		return err;
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		struct region *region = &cache->image.regions[n];

		if (load_relaxed(&region->state) == REGION_BAD || !recycle_holds(cache, region))
			continue;
		/* not FREE: pages may still be on their way to a socket and must be detached first */
		if (load_relaxed(&region->state) !=
		    REGION_RECYCLING) /* by its owner, which may live */
			store_relaxed(&region->owner, 0);
		recycle_invalidate(cache, region);
	}
	for (uint32_t log = 0; log < REGION_LOGS; log++)
		store_release(&header_of(cache)->active_region[log], 0);
	regions_unlock(cache, &critical);
	return 0;
}

uint32_t regions_waiting(const struct rawcache *cache)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < RUNTIME_NEXT; i++)
		count += load_acquire(&header_of(cache)->next_region[i]) != 0;
	return count;
}
