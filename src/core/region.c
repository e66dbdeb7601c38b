/* SPDX-License-Identifier: MIT */
#include "core/region.h"

#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/detach.h"
#include "core/index.h"
#include "core/pin.h"
#include "core/process.h"
#include "core/storage.h"

/* Entries carry 12 bits of a generation: sweep well before they come round. */
#define GENERATION_SWEEP 3800u
/* More than a region goes through between two write-backs, and no multiple of those twelve bits. */
#define GENERATION_LEAP ((1u << 20) + 1)
/* An entry's age is 18 bits of seconds from the opening of its region. */
#define REGION_OPEN_MAX_S (ENTRY_AGE_MAX / 2)
#define VICTIM_TRIES 8
#define WAIT_TRIES 50

static struct runtime_header *header_of(const struct rawcache *cache)
{
	return cache->runtime.header;
}

static int lock_regions(struct rawcache *cache, struct critical *critical)
{
	int err;

	critical_enter(critical);
	err = runtime_lock(&header_of(cache)->region_lock);
	if (err)
		critical_leave(critical);
	return err;
}

static void unlock_regions(struct rawcache *cache, struct critical *critical)
{
	runtime_unlock(&header_of(cache)->region_lock);
	critical_leave(critical);
}

/* A region number from shared memory, or UINT32_MAX. */
static uint32_t region_checked(const struct rawcache *cache, uint32_t number_plus_one)
{
	return number_plus_one && number_plus_one <= cache->image.sb.region_count ?
		       number_plus_one - 1 :
		       UINT32_MAX;
}

/* --- recycling */

/* Under the lock: whether `region` can be taken, and how early in the order it comes. */
static bool victim_rank(struct rawcache *cache, uint32_t number, uint64_t *rank)
{
	const struct region *region = &cache->image.regions[number];
	uint32_t owner;

	switch (load_relaxed(&region->state)) {
	case REGION_FREE:
		*rank = number;
		return true;
	case REGION_SEALED:
		*rank = (UINT64_C(1) << 40) + region->order;
		return true;
	case REGION_ACTIVE:
		/* of an earlier boot, or lost by a process that died before it told */
		*rank = (UINT64_C(1) << 40) + region->order;
		return number + 1 != header_of(cache)->active_region;
	case REGION_RECYCLING:
		owner = load_relaxed(&region->owner);
		*rank = (UINT64_C(1) << 39) + number;
		return !owner || owner > RUNTIME_SLOTS || !process_alive(cache, owner - 1);
	default:
		return false;
	}
}

/* Under the lock: the best victim that nobody pins, or -EAGAIN. */
static int victim_choose(struct rawcache *cache, uint32_t *victim)
{
	uint32_t next = header_of(cache)->next_region;
	uint64_t floor = 0;

	for (;;) {
		uint64_t best = UINT64_MAX;
		uint64_t rank;

		for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
			if (n + 1 == next || !victim_rank(cache, n, &rank))
				continue;
			if (rank >= floor && rank < best) {
				best = rank;
				*victim = n;
			}
		}
		if (best == UINT64_MAX)
			return -EAGAIN;
		if (!pin_any(cache, *victim))
			return 0;
		floor = best + 1;
	}
}

/*
 * Under the lock: make all locations in the region stale. Only a region that may hold something
 * is bumped, and RECYCLING says that it was: tries that fail do not use generations up. An active
 * one is sealed first: nobody may find it active in the new generation and cut from it, for
 * what is cut would be there, and found, when the region is used again in that generation.
 */
static void region_invalidate(struct region *region)
{
	if (region->state == REGION_SEALED || region->state == REGION_ACTIVE) {
		stats_add(evicted_regions, 1);
		stats_add(evicted_bytes, (uint64_t)load_relaxed(&region->used) << FORMAT_PAGE_SHIFT);
		store_release(&region->state, REGION_SEALED);
		store_release(&region->generation, region->generation + 1); /* pairs with region_cut() */
		CRASH_POINT(region_bumped);
	}
	store_relaxed(&region->used, 0);
	store_release(&region->state, REGION_RECYCLING);
}

/*
 * Under the lock: the image's users have another segment than we, so that they do not see our
 * pins, nor we theirs (two nodes of a block device have locks of their own).
 */
static int users_check(struct rawcache *cache)
{
	if (runtime_is_current(&cache->runtime, &cache->image))
		return 0;
	log_error("other processes use the image with another runtime segment");
	storage_lost(cache);
	return -ESTALE;
}

/* Claim a victim and make all locations in it stale. */
static int victim_take(struct rawcache *cache, uint32_t *victim)
{
	struct critical critical;
	struct region *region;
	int err = lock_regions(cache, &critical);

	if (err)
		return err;
	err = users_check(cache);
	if (!err)
		err = victim_choose(cache, victim);
	CRASH_POINT(region_locked);
	if (!err) {
		region = &cache->image.regions[*victim];
		store_relaxed(&region->owner, (uint32_t)cache->slot + 1);
		region_invalidate(region);
	}
	unlock_regions(cache, &critical);
	return err;
}

/* All entries of the index are of generations that 12 bits tell apart. */
static int generations_sweep(struct rawcache *cache, const struct region *region)
{
	uint32_t count = cache->image.sb.region_count;
	uint32_t *before;
	int err;

	if (region->generation - region->swept < GENERATION_SWEEP)
		return 0;
	before = memory_map(count * sizeof(*before));
	if (!before)
		return -ENOMEM;
	/* what was live when the sweep began may have stayed: only what was stale then is gone */
	for (uint32_t n = 0; n < count; n++)
		before[n] = load_relaxed(&cache->image.regions[n].generation);
	err = index_sweep(cache);
	for (uint32_t n = 0; n < count && !err; n++)
		if ((int32_t)(before[n] - load_relaxed(&cache->image.regions[n].swept)) > 0)
			store_relaxed(&cache->image.regions[n].swept, before[n]);
	memory_unmap(before, count * sizeof(*before));
	return err;
}

static int region_detach(struct rawcache *cache, uint32_t number)
{
	const struct image *image = &cache->image;
	uint64_t bytes = UINT64_C(1) << image->sb.region_shift;

	if (!image_fd_valid(image) || !runtime_fd_valid(&cache->runtime))
		return -EBADF;
	return detach_range(image->fd, image->sb.probes,
			    image->sb.data_offset + (uint64_t)number * bytes, bytes);
}

static void region_set_state(struct rawcache *cache, uint32_t number, uint32_t state)
{
	struct critical critical;
	struct region *region = &cache->image.regions[number];

	if (lock_regions(cache, &critical)) {
		/* it stays RECYCLING: whoever comes next begins again */
		store_release(&region->owner, 0);
		return;
	}
	if (region->state == REGION_RECYCLING &&
	    load_relaxed(&region->owner) == (uint32_t)cache->slot + 1) {
		region->cursor = 0;
		store_relaxed(&region->owner, 0);
		store_release(&region->state, state);
	}
	unlock_regions(cache, &critical);
}

/* Take a victim through RECYCLING to FREE; *number is the region. */
static int region_recycle(struct rawcache *cache, uint32_t *number)
{
	int err;

	for (int tries = 0; tries < VICTIM_TRIES; tries++) {
		err = victim_take(cache, number);
		if (err)
			return err;
		fence_full(); /* pairs with the one in pin_get() */
		if (!pin_any(cache, *number))
			break;
		/* pinned between our two looks: leave it, ownerless, for when the pin is gone */
		store_release(&cache->image.regions[*number].owner, 0);
		if (tries == VICTIM_TRIES - 1)
			return -EAGAIN;
	}
	CRASH_POINT(region_taken);
	err = generations_sweep(cache, &cache->image.regions[*number]);
	if (!err) {
		err = region_detach(cache, *number);
		CRASH_POINT(region_detached);
		if (err == -EIO) {
			log_error("region %u cannot be recycled (%d): not used any more", *number,
				  err);
			stats_add(io_errors, 1);
			region_set_state(cache, *number, REGION_BAD);
			return err;
		}
	}
	if (err)
		store_release(&cache->image.regions[*number].owner, 0);
	else
		region_set_state(cache, *number, REGION_FREE);
	return err;
}

static int next_prepare(struct rawcache *cache)
{
	struct critical critical;
	uint32_t number = 0;
	int err;

	if (region_checked(cache, load_acquire(&header_of(cache)->next_region)) != UINT32_MAX)
		return 0;
	err = region_recycle(cache, &number);
	if (err)
		return err;
	CRASH_POINT(region_free);
	err = lock_regions(cache, &critical);
	if (err)
		return err;
	if (!header_of(cache)->next_region &&
	    cache->image.regions[number].state == REGION_FREE)
		store_release(&header_of(cache)->next_region, number + 1);
	unlock_regions(cache, &critical);
	return 0;
}

/*
 * Have a clean region waiting. A handler that left by siglongjmp() would leave a region that is
 * being recycled for as long as we live.
 */
static int region_prepare(struct rawcache *cache)
{
	struct critical critical;
	int err;

	critical_enter(&critical);
	err = next_prepare(cache);
	critical_leave(&critical);
	return err;
}

/* --- the active region */

/* Under the lock: make the waiting region the active one. */
static bool region_activate(struct rawcache *cache)
{
	uint32_t number = region_checked(cache, header_of(cache)->next_region);
	struct region *region;

	store_release(&header_of(cache)->next_region, 0);
	if (number == UINT32_MAX)
		return false;
	region = &cache->image.regions[number];
	if (region->state != REGION_FREE)
		return false;
	region->cursor = 0;
	/* 0 is no generation: metadata that somebody wiped must not fit what is remembered */
	if (!region->generation)
		store_release(&region->generation, 1);
	store_relaxed(&region->opened, clock_real_ns() / 1000000000u);
	region->order = ++cache->image.state->order;
	store_relaxed(&region->epoch, cache_epoch(cache));
	store_release(&region->state, REGION_ACTIVE);
	CRASH_POINT(region_active);
	store_release(&header_of(cache)->active_region, number + 1);
	return true;
}

/* Replace the active region, unless somebody else has done so since we saw `seen`. */
static int region_advance(struct rawcache *cache, uint32_t seen)
{
	struct critical critical;
	bool advanced = true;
	int err = lock_regions(cache, &critical);

	if (err)
		return err;
	if (header_of(cache)->active_region == seen) {
		uint32_t number = region_checked(cache, seen);

		if (number != UINT32_MAX && cache->image.regions[number].state == REGION_ACTIVE)
			store_release(&cache->image.regions[number].state, REGION_SEALED);
		store_release(&header_of(cache)->active_region, 0);
		CRASH_POINT(region_sealed);
		advanced = !users_check(cache) && region_activate(cache);
	}
	unlock_regions(cache, &critical);
	return advanced ? 0 : region_prepare(cache);
}

/* Whether an extent may still be cut from it. */
static bool region_open(const struct rawcache *cache, const struct region *region)
{
	return load_acquire(&region->state) == REGION_ACTIVE &&
	       load_relaxed(&region->epoch) == cache_epoch(cache) &&
	       clock_real_ns() / 1000000000u - load_relaxed(&region->opened) < REGION_OPEN_MAX_S;
}

/* As many of `most` pages as the region has left, but at least `least`; their first is *cursor. */
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

/* 0; -EAGAIN: `number` is used up or no longer active; -EBUSY: no pin to be had. */
static int region_cut(struct rawcache *cache, uint32_t number, uint32_t least, uint32_t most,
		      struct extent *extent)
{
	struct region *region = &cache->image.regions[number];
	uint32_t generation = load_acquire(&region->generation);
	uint32_t half = cache->image.region_pages / 2;
	uint32_t cursor;
	uint32_t pages;
	int pin;

	extent->pin = -1;
	if (!region_open(cache, region) || load_relaxed(&region->cursor) > cache->image.region_pages)
		return -EAGAIN;
	pin = pin_get(cache, number, generation);
	if (pin < 0)
		return pin == -ESTALE ? -EAGAIN : -EBUSY;
	extent->pin = pin; /* before anything that a handler could leave by siglongjmp() */
	pages = cursor_take(region, cache->image.region_pages, least, most, &cursor);
	/* pinned and still of this generation: the state we saw before cannot have gone round */
	if (load_acquire(&region->state) != REGION_ACTIVE || !pages) {
		extent->pin = -1;
		pin_put(cache, pin);
		return -EAGAIN;
	}
	CRASH_POINT(region_cut);
	fetch_add(&region->used, pages);
	extent->page = (number << cache->image.region_pages_shift) + cursor;
	extent->pages = pages;
	extent->generation = generation;
	if (cursor < half && cursor + pages >= half)
		region_prepare(cache);
	return 0;
}

int region_alloc_most(struct rawcache *cache, uint32_t least, uint32_t most, struct extent *extent)
{
	struct timespec nap = { 0, 1000000 };
	int err = cache_slot_need(cache);

	extent->pin = -1;
	if (err)
		return err;
	if (cache->image.read_only || !least || least > cache->image.region_pages)
		return -EROFS;
	/* before anything is believed of the region table: see region_distrust_all() */
	if (!storage_check(cache))
		return -EIO;
	for (int tries = 0; tries < WAIT_TRIES; tries++) {
		uint32_t active = load_acquire(&header_of(cache)->active_region);
		uint32_t number = region_checked(cache, active);

		if (number != UINT32_MAX) {
			err = region_cut(cache, number, least, most, extent);
			if (err != -EAGAIN)
				return err;
		}
		err = region_advance(cache, active);
		if (err && err != -EAGAIN)
			return err; /* -ETIMEDOUT too: the lock's owner is stopped */
		if (err)
			sys_nanosleep(&nap);
	}
	return -EAGAIN;
}

int region_alloc(struct rawcache *cache, uint32_t pages, struct extent *extent)
{
	return region_alloc_most(cache, pages, pages, extent);
}

void region_release(struct rawcache *cache, const struct extent *extent)
{
	pin_put(cache, extent->pin);
}

int region_drop_all(struct rawcache *cache)
{
	struct critical critical;
	int err = lock_regions(cache, &critical);

	if (err)
		return err;
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		struct region *region = &cache->image.regions[n];

		if (region->state != REGION_SEALED && region->state != REGION_ACTIVE)
			continue;
		/* not FREE: pages may still be on their way to a socket and must be detached */
		store_relaxed(&region->owner, 0);
		region_invalidate(region);
	}
	store_release(&header_of(cache)->active_region, 0);
	unlock_regions(cache, &critical);
	return 0;
}

/*
 * Any page of the table may have gone back to what it was when it was written last. So the
 * generations go where none has been; and what is found all the same, because entries have twelve
 * bits of them, is of an earlier epoch, and stays what it is until its region is taken: SEALED,
 * not FREE.
 */
int region_distrust_all(struct rawcache *cache)
{
	struct critical critical;
	int err = lock_regions(cache, &critical);

	if (err)
		return err;
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		struct region *region = &cache->image.regions[n];

		if (region->state != REGION_BAD && region->state != REGION_RECYCLING)
			store_release(&region->state, REGION_SEALED);
		store_release(&region->generation, region->generation + GENERATION_LEAP);
	}
	unlock_regions(cache, &critical);
	return 0;
}
