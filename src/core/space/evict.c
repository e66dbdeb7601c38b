/* SPDX-License-Identifier: MIT */
#include "core/space/evict.h"

#include <errno.h>
#include <string.h>

#include "core/shared/cache.h"
#include "core/shared/region_lock.h"
#include "core/space/alloc.h"
#include "core/space/region.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/buffer.h"
#include "base/patience.h"
#include "core/space/extent.h"
#include "core/index/ghost.h"
#include "core/index/catalog.h"
#include "core/shared/process.h"
#include "core/space/recycle.h"
#include "core/space/move_space.h"
#include "core/index/verify.h"

/*
 * Pages that may be moved, and pages that may be looked at, for each page that was cut; and for the
 * smallest cut.
 */
#define MOVE_RATE 3u
#define MOVE_MIN 16u
#define LOOK_RATE 16u
#define LOOK_MIN 256u
/*
 * For each region that is opened: how many regions' worth of extents may be moved, and how many regions may
 * be kept.
 */
#define MOVE_REGIONS 2u
#define KEEP_REGIONS 32u

/*
 * In eighths of a region: if this much of it was visited, it is kept as it is, without I/O. With five
 * eighths, what was not visited took so much room that Zipf's hit ratio was 0.4 % lower.
 */
#define KEEP_EIGHTHS 7u
/* An extent that is older than this loses its age when it is moved. */
#define STORED_MAX_S ((uint64_t)ENTRY_AGE_MAX * ENTRY_AGE_UNIT)

/* What a step may still do, in pages. */
struct quota {
	uint32_t move;
	uint32_t look;
	bool drop; /* drop everything, move nothing */
};

static tls_initial bool background;

void evict_background(void)
{
	background = true;
}

/* --- which process empties regions */

static bool owner_take(struct rawcache *cache)
{
	uint32_t *owner = &header_of(cache)->evict_owner;
	uint32_t mine = (uint32_t)cache->slot + 1;
	uint32_t seen = 0;

	if (cas(owner, &seen, mine))
		return true;
	return (seen > RUNTIME_SLOTS || !process_alive(cache, seen - 1)) && cas(owner, &seen, mine);
}

static void owner_give(struct rawcache *cache)
{
	uint32_t mine = (uint32_t)cache->slot + 1;

	cas(&header_of(cache)->evict_owner, &mine, 0);
}

void evict_credit(struct rawcache *cache)
{
	store_relaxed(&header_of(cache)->evict_credit, cache->image.region_pages * MOVE_REGIONS);
	store_relaxed(&header_of(cache)->evict_keeps, KEEP_REGIONS);
}

/* --- moving an extent */

static uint32_t pages_of(const struct found *found)
{
	return (uint32_t)(round_up(found->length, FORMAT_PAGE) >> FORMAT_PAGE_SHIFT);
}

/* Copy the bytes and verify their checksum. 0, -EBADMSG or -errno. */
static int extent_copy(struct rawcache *cache, const struct key *key, const struct found *found,
		       const struct extent *to, char *buf)
{
	XXH3_state_t state;
	int err = 0;

	XXH3_INITSTATE(&state); /* see key_begin() */
	XXH3_64bits_reset_withSeed(&state, key->low);
	for (uint32_t done = 0; done < found->length && !err; done += BUFFER_BYTES) {
		uint32_t n = (uint32_t)min_u64(found->length - done, BUFFER_BYTES);
		uint32_t whole = (uint32_t)round_up(n, FORMAT_PAGE);

		err = image_read(&cache->image, found->page, done, buf, n);
		if (err)
			return err == -EIO ? verify_damaged(cache, key, found, err) : err;
		memset(buf + n, 0, whole - n);
		XXH3_64bits_update(&state, buf, n);
		err = extent_write(cache, to, done, buf, whole);
	}
	if (err)
		extent_failed(cache, err);
	else if (XXH3_64bits_digest(&state) != found->checksum)
		err = verify_current(cache, found) ? verify_damaged(cache, key, found, -EBADMSG) :
						     -ESTALE;
	return err;
}

/* The region from which it was moved has that much less to lose. */
static void moved_count(struct rawcache *cache, const struct found *found)
{
	struct region *from = image_region(&cache->image, found->page);
	uint32_t pages = pages_of(found);
	uint32_t used = load_relaxed(&from->used);

	while (!cas(&from->used, &used, used > pages ? used - pages : 0))
		;
	stats_add(reinserted_bytes, found->length);
}

static bool extent_move(struct rawcache *cache, const struct key *key, const struct found *found)
{
	char *buf = buffer_get();
	struct extent to;
	int err = buf ? move_space_get(cache, pages_of(found), &to) : -ENOMEM;

	if (!err) {
		err = extent_copy(cache, key, found, &to, buf);
		CRASH_POINT(evict_copied);
		if (!err)
			err = index_move(cache, key, found, to.page, to.generation);
		if (!err)
			moved_count(cache, found);
		region_release(cache, &to);
	}
	buffer_put(buf);
	return !err;
}

/* --- emptying a region */

static bool extent_wanted(struct rawcache *cache, const struct key *key, const struct found *found)
{
	if (verify_expired(cache, found) || clock_real_s() > found->stored + STORED_MAX_S)
		return false;
	return index_visited(cache, found->number) || name_wanted(cache, key, found);
}

/* The extent's region is to be recycled: move the extent, or leave a ghost of it. */
static void extent_evict(struct rawcache *cache, const struct key *key, const struct found *found,
			 struct quota *quota)
{
	uint32_t *credit = &header_of(cache)->evict_credit;
	uint32_t left = load_relaxed(credit);
	uint32_t pages = pages_of(found);
	bool visited = index_visited(cache, found->number);

	if (!quota->drop && pages <= left && extent_wanted(cache, key, found)) {
		store_relaxed(credit, left - pages);
		quota->move -= (uint32_t)min_u64(pages, quota->move);
		if (extent_move(cache, key, found))
			return;
	}
	/* an extent of the main log also leaves a ghost if it was visited and there was no room to move it */
	if (visited || load_relaxed(&image_region(&cache->image, found->page)->log) != REGION_MAIN)
		ghost_note(cache, key);
}

/*
 * Count the pages of a region that would be moved; with `clear`, their extents count as not visited
 * afterwards.
 */
static uint32_t region_warmth(struct rawcache *cache, uint32_t number, bool clear)
{
	uint32_t first = number << cache->image.region_pages_shift;
	uint32_t warm = 0;

	for (uint32_t page = 0; page < cache->image.region_pages;) {
		struct found found;
		struct key key;

		if (!index_at(cache, first + page, &key, &found)) {
			page++;
			continue;
		}
		page += pages_of(&found);
		if (!index_visited(cache, found.number) || verify_expired(cache, &found))
			continue;
		warm += pages_of(&found);
		if (clear)
			index_unvisit(cache, found.number);
	}
	return warm;
}

/* If most of the region was visited, make it the youngest of the main log, as it is. */
static bool region_keep(struct rawcache *cache, uint32_t number)
{
	struct runtime_header *header = header_of(cache);
	struct region *region = &cache->image.regions[number];
	uint32_t warm = region_warmth(cache, number, false);
	struct critical critical;
	bool kept;

	if (warm < cache->image.region_pages / 8 * KEEP_EIGHTHS || !header->evict_keeps ||
	    regions_lock(cache, &critical))
		return false;
	kept = header->evict_region == number + 1 && region->state == REGION_SEALED;
	if (kept) {
		store_relaxed(&region->log, (uint32_t)REGION_MAIN);
		store_relaxed(&region->order, region_order_next(cache));
		store_release(&header->evict_region, 0);
		header->evict_keeps--;
	}
	regions_unlock(cache, &critical);
	CRASH_POINT(evict_kept);
	if (kept)
		stats_add(reinserted_bytes, (uint64_t)region_warmth(cache, number, true)
						    << FORMAT_PAGE_SHIFT);
	return kept;
}

/* Look through a region from `page` on. Returns the page at which that ended. */
static uint32_t region_look(struct rawcache *cache, uint32_t number, uint32_t page,
			    struct quota *quota)
{
	uint32_t first = number << cache->image.region_pages_shift;

	while (page < cache->image.region_pages && quota->look && quota->move) {
		struct found found;
		struct key key;

		quota->look--;
		if (!index_at(cache, first + page, &key, &found)) {
			page++;
			continue;
		}
		extent_evict(cache, &key, &found, quota);
		page += pages_of(&found);
	}
	return page;
}

/* Look through a victim from where the last step ended. Returns true when the region is done. */
static bool region_empty(struct rawcache *cache, uint32_t number, struct quota *quota)
{
	uint32_t *at = &header_of(cache)->evict_page;
	uint32_t page = region_look(cache, number, load_relaxed(at), quota);

	store_relaxed(at, page);
	return page >= cache->image.region_pages;
}

/* Whether readers may still find something in the region. */
static bool region_lives(const struct rawcache *cache, uint32_t number)
{
	uint32_t state = load_relaxed(&cache->image.regions[number].state);

	return cache->image.page_buckets && (state == REGION_SEALED || state == REGION_ACTIVE);
}

/* Choose the next victim; with `empty`, become the owner who empties it. 0 or -errno. */
static int victim_choose(struct rawcache *cache, bool empty, uint32_t *number)
{
	struct critical critical;
	int err = regions_lock(cache, &critical);

	if (err)
		return err;
	err = recycle_users_check(cache);
	if (!err)
		err = recycle_choose(cache, number);
	if (!err && empty) {
		store_relaxed(&header_of(cache)->evict_page, 0);
		store_release(&header_of(cache)->evict_region, *number + 1);
	}
	regions_unlock(cache, &critical);
	CRASH_POINT(evict_chosen);
	return err;
}

/* Work on one victim, as far as the quota allows. 0, or the reason why no more can be done now. */
static int victim_round(struct rawcache *cache, struct quota *quota)
{
	uint32_t number = region_checked(cache, load_acquire(&header_of(cache)->evict_region));
	bool begun = number != REGION_NONE;
	int err = begun ? 0 : victim_choose(cache, true, &number);

	if (err)
		return err;
	if (!begun && region_lives(cache, number) && region_keep(cache, number))
		return 0;
	if (region_lives(cache, number) && !region_empty(cache, number, quota))
		return -EINPROGRESS;
	CRASH_POINT(evict_emptied);
	store_release(&header_of(cache)->evict_region, 0);
	return recycle_region(cache, number);
}

/* Whether the probation log's active region is so full that the next one should be made ready. */
static bool step_due(const struct rawcache *cache)
{
	uint32_t all = cache->image.region_pages;
	uint32_t active = load_relaxed(&header_of(cache)->active_region[REGION_PROBATION]);
	uint32_t number = region_checked(cache, active);

	if (regions_waiting(cache) == RUNTIME_NEXT)
		return false;
	return number == REGION_NONE || load_relaxed(&cache->image.regions[number].cursor) >=
						(background ? all / 4 : all / 2);
}

void evict_step(struct rawcache *cache, uint32_t pages)
{
	struct quota quota = {
		.move = (uint32_t)max_u64(pages * MOVE_RATE, MOVE_MIN),
		.look = (uint32_t)max_u64(pages * LOOK_RATE, LOOK_MIN),
	};
	struct critical critical;

	if (!step_due(cache))
		return;
	critical_enter(&critical);
	if (owner_take(cache)) {
		while (regions_waiting(cache) < RUNTIME_NEXT && !victim_round(cache, &quota))
			;
		owner_give(cache);
	}
	critical_leave(&critical);
}

/* As the owner: make clean regions for both logs, or at least one. */
static int victims_now(struct rawcache *cache)
{
	struct quota quota = { .move = cache->image.region_pages, .look = UINT32_MAX };
	int err = 0;

	while (regions_waiting(cache) < RUNTIME_NEXT && (!err || err == -EINPROGRESS)) {
		err = victim_round(cache, &quota);
		if (err == -EINPROGRESS)
			quota = (struct quota){ .move = 1, .look = UINT32_MAX, .drop = true };
	}
	return regions_waiting(cache) ? 0 : err;
}

/* Another owner does not make progress: recycle a region and move nothing out of it. */
static int victim_drop(struct rawcache *cache)
{
	struct quota quota = { .move = 1, .look = UINT32_MAX, .drop = true };
	uint32_t number = REGION_NONE;
	int err = victim_choose(cache, false, &number);

	if (err)
		return err;
	if (region_lives(cache, number))
		region_look(cache, number, 0, &quota);
	return recycle_region(cache, number);
}

int evict_now(struct rawcache *cache, unsigned int tries)
{
	struct critical critical;
	int err = 0;

	critical_enter(&critical);
	if (owner_take(cache)) {
		err = victims_now(cache);
		owner_give(cache);
	} else if (!regions_waiting(cache)) {
		err = tries < EVICT_WAIT_TRIES ? -EAGAIN : victim_drop(cache);
	}
	critical_leave(&critical);
	return err;
}
