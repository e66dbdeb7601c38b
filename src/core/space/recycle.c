/* SPDX-License-Identifier: MIT */
#include "core/space/recycle.h"

#include <errno.h>

#include "base/checked.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/image/detach.h"
#include "core/index/index.h"
#include "core/shared/hold_ask.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "core/shared/storage.h"

/* Entries carry 12 bits of a generation: sweep well before these repeat. */
#define GENERATION_SWEEP 3800u
#define VICTIM_TRIES 8
/*
 * One part in this many of the regions belongs to the probation log, which must also hold what several
 * readers read ahead.
 */
#define PROBATION_SHARE 10u
#define PROBATION_BYTES (UINT64_C(24) << 20)

/* Ranks of victims, in the order in which they are taken. */
#define RANK_DEAD (UINT64_C(1) << 60)	/* a dead process was recycling it */
#define RANK_OLDEST (UINT64_C(2) << 60) /* the oldest of the log that is too large */
#define RANK_OTHER (UINT64_C(3) << 60)

/* Whether the region is clean and waits: it is no victim then. */
static bool region_waits(const struct rawcache *cache, uint32_t number)
{
	for (uint32_t i = 0; i < RUNTIME_NEXT; i++)
		if (load_relaxed(&header_of(cache)->next_region[i]) == number + 1)
			return true;
	return false;
}

static bool region_is_active(const struct rawcache *cache, uint32_t number)
{
	for (uint32_t log = 0; log < REGION_LOGS; log++)
		if (load_relaxed(&header_of(cache)->active_region[log]) == number + 1)
			return true;
	return false;
}

uint32_t recycle_probation(const struct rawcache *cache)
{
	const struct superblock *sb = &cache->image.sb;
	uint64_t regions = max_u64(sb->region_count / PROBATION_SHARE,
				   PROBATION_BYTES >> sb->region_shift);

	return (uint32_t)min_u64(regions, sb->region_count / 2);
}

/* Choose the log that must give up a region. Under the lock. */
static uint32_t log_choose(const struct rawcache *cache)
{
	uint32_t count = cache->image.sb.region_count;
	uint32_t probation = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct region *region = &cache->image.regions[n];
		uint32_t state = load_relaxed(&region->state);

		probation += (state == REGION_SEALED || state == REGION_ACTIVE) &&
			     load_relaxed(&region->log) != REGION_MAIN;
	}
	return probation > recycle_probation(cache) ? REGION_PROBATION : REGION_MAIN;
}

/* Whether a region can be taken, and its rank. Under the lock. */
static bool victim_rank(struct rawcache *cache, uint32_t number, uint32_t log, uint64_t *rank)
{
	const struct region *region = &cache->image.regions[number];
	uint32_t owner;

	switch (load_relaxed(&region->state)) {
	case REGION_FREE:
		*rank = number;
		return !region_waits(cache, number);
	case REGION_SEALED:
	case REGION_ACTIVE: /* active in an earlier boot, or left by a process that died before it announced it */
		*rank = (load_relaxed(&region->log) == log ? RANK_OLDEST : RANK_OTHER) +
			(region->order & (RANK_DEAD - 1));
		return !region_is_active(cache, number);
	case REGION_RECYCLING:
		owner = load_relaxed(&region->owner);
		*rank = RANK_DEAD + number;
		return !owner || owner > RUNTIME_SLOTS || !process_alive(cache, owner - 1);
	default:
		return false;
	}
}

int recycle_choose(struct rawcache *cache, uint32_t *victim)
{
	uint32_t log = log_choose(cache);
	struct pin_owners owners = { { 0 } };
	uint32_t yielding =
		REGION_NONE; /* a region that would come before the victim if it were not held */
	uint64_t best = UINT64_MAX;
	uint64_t best_yielding = UINT64_MAX;
	uint64_t rank;

	/* goes through all regions once, however many are held */
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		if (!victim_rank(cache, n, log, &rank) || rank >= best)
			continue;
		if (!pin_any_of(cache, n, &owners)) {
			best = rank;
			*victim = n;
		} else if (rank < best_yielding && hold_yields(cache, n) && !hold_asked(cache, n)) {
			best_yielding = rank;
			yielding = n;
		}
	}
	if (best_yielding < best && hold_crowded(cache))
		hold_ask(cache, yielding);
	return best == UINT64_MAX ? -EAGAIN : 0;
}

/*
 * After a power loss, FREE or RECYCLING on the disk says nothing: entries of extents that were stored
 * afterwards may have reached the disk while the region's new state did not.
 */
bool recycle_holds(const struct rawcache *cache, const struct region *region)
{
	uint32_t state = load_relaxed(&region->state);

	return state == REGION_SEALED || state == REGION_ACTIVE ||
	       load_relaxed(&region->epoch) != cache_epoch(cache);
}

/*
 * Only a region that may hold something is bumped, and its state and epoch record that it was: attempts
 * that fail must not use up generations. An active region is sealed first: no process may see it active in
 * the new generation and cut from it. An extent that was cut then would be found when the region is used
 * again in that generation.
 */
void recycle_invalidate(struct rawcache *cache, struct region *region)
{
	if (region->state == REGION_SEALED || region->state == REGION_ACTIVE) {
		stats_add(evicted_regions, 1);
		stats_add(evicted_bytes, (uint64_t)load_relaxed(&region->used)
						 << FORMAT_PAGE_SHIFT);
	}
	if (recycle_holds(cache, region)) {
		store_release(&region->state, REGION_SEALED);
		store_release(&region->generation,
			      region->generation + 1); /* pairs with region_cut() */
		CRASH_POINT(region_bumped);
	}
	store_relaxed(&region->used, 0);
	store_release(&region->epoch, cache_epoch(cache));
	store_release(&region->state, REGION_RECYCLING);
}

/*
 * Two nodes of one block device have separate locks: users of the other node do not see our pins, nor we
 * theirs.
 */
int recycle_users_check(struct rawcache *cache)
{
	if (runtime_is_current(&cache->runtime, &cache->image))
		return 0;
	log_error("other processes use the image with another runtime segment");
	storage_lost(cache);
	return -ESTALE;
}

/* Claim a victim and make all locations in it stale. */
static int victim_take(struct rawcache *cache, uint32_t wanted, uint32_t *victim)
{
	struct critical critical;
	struct region *region;
	uint64_t rank;
	int err = regions_lock(cache, &critical);

	if (err)
		return err;
	err = recycle_users_check(cache);
	*victim = wanted;
	if (!err && (wanted == REGION_NONE || !victim_rank(cache, wanted, 0, &rank) ||
		     pin_any(cache, wanted)))
		err = recycle_choose(cache, victim);
	CRASH_POINT(region_locked);
	if (!err) {
		region = &cache->image.regions[*victim];
		store_relaxed(&region->owner, (uint32_t)cache->slot + 1);
		recycle_invalidate(cache, region);
		if (load_relaxed(&header_of(cache)->evict_region) == *victim + 1)
			store_release(&header_of(cache)->evict_region, 0);
	}
	regions_unlock(cache, &critical);
	return err;
}

/* Keep the generations of all index entries distinguishable by 12 bits. */
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
	/*
	 * entries that became stale during the sweep may have stayed: only those that were stale before are
	 * gone
	 */
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

/*
 * Under the lock: let a clean region wait for use; if there is no room for it, it is a victim that costs
 * nothing.
 */
static void region_offer(struct rawcache *cache, uint32_t number)
{
	uint32_t *next = header_of(cache)->next_region;

	CRASH_POINT(region_free);
	for (uint32_t i = 0; i < RUNTIME_NEXT && !region_waits(cache, number); i++)
		if (region_checked(cache, next[i]) == REGION_NONE)
			store_release(&next[i], number + 1);
}

/* Give up the ownership: the next process begins again. Another may own it already. */
static void victim_leave(struct rawcache *cache, uint32_t number)
{
	uint32_t own = (uint32_t)cache->slot + 1;

	cas(&cache->image.regions[number].owner, &own, 0);
}

/* End the recycling of our region: FREE if it was detached, BAD if that failed. */
static int region_settle(struct rawcache *cache, uint32_t number, uint32_t state)
{
	struct region *region = &cache->image.regions[number];
	struct critical critical;
	int err = regions_lock(cache, &critical);

	if (err) {
		/* the region stays RECYCLING */
		victim_leave(cache, number);
		return err;
	}
	if (region->state == REGION_RECYCLING &&
	    load_relaxed(&region->owner) == (uint32_t)cache->slot + 1) {
		store_relaxed(&region->cursor, 0);
		store_relaxed(&region->owner, 0);
		store_release(&region->state, state);
		if (state == REGION_FREE)
			region_offer(cache, number);
	}
	regions_unlock(cache, &critical);
	return 0;
}

int recycle_region(struct rawcache *cache, uint32_t wanted)
{
	uint32_t number = REGION_NONE;
	int err;

	for (int tries = 0; tries < VICTIM_TRIES; tries++) {
		err = victim_take(cache, wanted, &number);
		if (err)
			return err;
		fence_full(); /* pairs with the one in pin_get() */
		if (!pin_any(cache, number))
			break;
		/*
		 * pinned between our two looks: it stays RECYCLING without an owner until the pin is
		 * released
		 */
		victim_leave(cache, number);
		wanted = REGION_NONE;
		if (tries == VICTIM_TRIES - 1)
			return -EAGAIN;
	}
	CRASH_POINT(region_taken);
	err = generations_sweep(cache, &cache->image.regions[number]);
	if (!err) {
		err = region_detach(cache, number);
		CRASH_POINT(region_detached);
		if (err == -EIO) {
			log_error("region %u cannot be recycled (%d): not used any more", number,
				  err);
			stats_add(io_errors, 1);
			region_settle(cache, number, REGION_BAD);
			return err;
		}
	}
	if (!err)
		return region_settle(cache, number, REGION_FREE);
	victim_leave(cache, number);
	return err;
}
