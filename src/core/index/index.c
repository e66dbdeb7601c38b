/* SPDX-License-Identifier: MIT */
#include "core/index/index.h"

#include <errno.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "core/index/bucket.h"

/*
 * How often a reader looks again at a bucket that is being changed: a change takes nanoseconds, or its
 * writer was killed.
 */
#define SEQUENCE_TRIES 128

/* --- finding, without a lock */

enum entry_look { LOOK_NONE, LOOK_FOUND, LOOK_AGAIN };

/* Look through a bucket once. *sequence is the bucket's sequence at that moment. */
static enum entry_look bucket_look(const struct image *image, const struct bucket *bucket,
				   const struct key *key, bool displaced, uint32_t *sequence,
				   struct entry *entry, int *at)
{
	int i;

	*sequence = load_acquire(&bucket->sequence);
	if (*sequence & 1)
		return LOOK_AGAIN;
	for (i = 0; i < BUCKET_ENTRIES; i++)
		if (entry_has_key(&bucket->entry[i], key) &&
		    entry_displaced(image, bucket, i) == displaced)
			break;
	if (i < BUCKET_ENTRIES)
		*entry = entry_load(&bucket->entry[i]);
	fence_acquire(); /* pairs with the release in bucket_begin() */
	if (load_relaxed(&bucket->sequence) != *sequence)
		return LOOK_AGAIN;
	*at = i;
	return i < BUCKET_ENTRIES ? LOOK_FOUND : LOOK_NONE;
}

bool index_find(struct rawcache *cache, const struct key *key, struct found *found)
{
	const struct image *image = &cache->image;
	uint32_t first = key_bucket(key, image->sb.bucket_count);
	uint32_t number = first;
	struct entry entry = { 0 };
	uint32_t sequence[2];
	int at = 0;

	for (int tries = 0; tries < SEQUENCE_TRIES; tries++) {
		enum entry_look look = bucket_look(image, &image->buckets[number], key,
						   number != first, &sequence[number != first],
						   &entry, &at);

		if (look == LOOK_FOUND) {
			found->number = (uint64_t)number * BUCKET_ENTRIES + (uint64_t)at;
			return entry_decode(image, &entry, found) == ENTRY_LIVE;
		}
		if (look == LOOK_AGAIN) {
			cpu_relax();
		} else if (number == first) {
			number = image_displaces(image) ? bucket_other(image, first, key->low) :
							  first;
			if (number == first)
				return false;
		} else if (load_relaxed(&image->buckets[first].sequence) == sequence[0]) {
			return false;
		} else {
			number = first; /* the entry may just have been moved back */
		}
	}
	return false;
}

/* --- changes, under index locks */

/* The entry to overwrite of two full buckets: the oldest one not visited, or the oldest. */
static int change_victim(struct rawcache *cache, struct bucket_change *change, int *side)
{
	uint64_t oldest[2] = { UINT64_MAX, UINT64_MAX };
	int victim[2] = { -1, -1 };
	struct found found;

	for (int i = 0; i < 2 * BUCKET_ENTRIES; i++) {
		const struct bucket_side *s = &change->side[i / BUCKET_ENTRIES];
		int warm;

		if (!s->bucket)
			break;
		if (entry_decode(&cache->image, &s->bucket->entry[i % BUCKET_ENTRIES], &found) !=
		    ENTRY_LIVE)
			found.stored = 0;
		warm = load_relaxed(visits_of(cache, s->number, i % BUCKET_ENTRIES)) != 0;
		if (found.stored < oldest[warm]) {
			oldest[warm] = found.stored;
			victim[warm] = i;
		}
	}
	/* all were visited: each visit counts no more */
	for (int i = 0; victim[0] < 0 && i < 2 * BUCKET_ENTRIES; i++)
		if (change->side[i / BUCKET_ENTRIES].bucket)
			store_relaxed(visits_of(cache, change->side[i / BUCKET_ENTRIES].number,
						i % BUCKET_ENTRIES),
				      0);
	victim[0] = victim[0] >= 0 ? victim[0] : (victim[1] >= 0 ? victim[1] : 0);
	*side = victim[0] / BUCKET_ENTRIES;
	return victim[0] % BUCKET_ENTRIES;
}

/* Where a key's entry goes: where it is, or the place of an entry that is not live. -1: there is none. */
static int change_place(struct rawcache *cache, struct bucket_change *change, const struct key *key,
			int *side)
{
	int i;

	*side = 0;
	i = bucket_find(cache, change, key, side);
	for (int s = 0; i < 0 && s < 2; s++) {
		*side = s;
		if (change->side[s].bucket)
			i = bucket_free(&cache->image, change->side[s].bucket);
	}
	return i;
}

/* Open the key's buckets and make room for its entry, whichever entry has to go. 0 or -errno. */
static int store_open(struct rawcache *cache, const struct key *key, struct bucket_change *change,
		      int *side, int *at)
{
	int err = bucket_open_key(cache, key, change);

	if (err)
		return err;
	*at = change_place(cache, change, key, side);
	if (*at >= 0)
		return 0;
	bucket_close(change);
	bucket_relieve(cache, key);
	err = bucket_open_key(cache, key, change);
	if (err)
		return err;
	*at = change_place(cache, change, key, side);
	if (*at < 0)
		*at = change_victim(cache, change, side);
	return 0;
}

/* A process that was killed while it moved an entry left it in both buckets: keep only one. */
static void double_clear(struct rawcache *cache, struct bucket_change *change,
			 const struct key *key, int side)
{
	int other = 1;
	int i = side ? -1 : bucket_find(cache, change, key, &other);

	if (i < 0)
		return;
	bucket_begin(&change->side[1]);
	entry_clear(&change->side[1].bucket->entry[i]);
}

/* The word `place` for an entry at `page`. If the clock was set back, the age is 0. */
static uint64_t place_at(const struct rawcache *cache, uint32_t page, uint32_t length,
			 uint32_t generation, uint32_t epoch, uint64_t stored)
{
	uint64_t opened = load_relaxed(&image_region(&cache->image, page)->opened);

	return place_encode(length, generation, epoch, opened, stored);
}

/* Note in the table of page buckets what lies at `page` now: eviction finds the entry by it. */
static void page_bucket_note(const struct rawcache *cache, uint32_t page, uint32_t length,
			     uint32_t bucket)
{
	if (cache->image.page_buckets)
		store_relaxed(&cache->image.page_buckets[page], bucket + 1);
	fetch_add(&image_region(&cache->image, page)->used,
		  (length + FORMAT_PAGE - 1) >> FORMAT_PAGE_SHIFT);
}

int index_store(struct rawcache *cache, const struct key *key, uint32_t page, uint32_t length,
		uint32_t generation, uint64_t checksum)
{
	uint64_t now = clock_real_s();
	uint64_t opened = load_relaxed(&image_region(&cache->image, page)->opened);
	uint32_t epoch = cache_trusted(cache);
	struct entry entry = { key->low, (uint32_t)key->high, page, checksum,
			       place_at(cache, page, length, generation, epoch,
					max_u64(now, opened)) };
	struct bucket_change change;
	int side;
	int at;
	int err = epoch ? store_open(cache, key, &change, &side, &at) : -EROFS;

	if (err)
		return err;
	entry_put(cache, &change.side[side], at, &entry, side == 1);
	page_bucket_note(cache, page, length, change.side[side].number);
	store_relaxed(visits_of(cache, change.side[side].number, at), 0);
	double_clear(cache, &change, key, side);
	bucket_close(&change);
	return 0;
}

static bool entry_is(const struct image *image, const struct entry *entry,
		     const struct found *found)
{
	struct found now;

	return entry_decode(image, entry, &now) == ENTRY_LIVE && now.page == found->page &&
	       now.length == found->length && now.generation == found->generation &&
	       now.checksum == found->checksum;
}

int index_move(struct rawcache *cache, const struct key *key, const struct found *from,
	       uint32_t page, uint32_t generation)
{
	uint32_t epoch = cache_trusted(cache);
	uint64_t place = place_at(cache, page, from->length, generation, epoch, from->stored);
	struct bucket_change change;
	struct entry *entry = NULL;
	int side = 0;
	int err = epoch ? bucket_open_key(cache, key, &change) : -EROFS;
	int i;

	if (err)
		return err;
	i = bucket_find(cache, &change, key, &side);
	if (i >= 0)
		entry = &change.side[side].bucket->entry[i];
	if (!entry || !entry_is(&cache->image, entry, from)) {
		err = -ESTALE;
	} else {
		bucket_begin(&change.side[side]);
		store_relaxed(&entry->place, 0);
		fence_release(); /* a process killed from here on leaves an empty entry */
		CRASH_POINT(entry_lifted);
		store_relaxed(&entry->page, page);
		store_release(&entry->place, place);
		CRASH_POINT(entry_moved);
		page_bucket_note(cache, page, from->length, change.side[side].number);
		index_unvisit(cache,
			      (uint64_t)change.side[side].number * BUCKET_ENTRIES + (uint64_t)i);
		double_clear(cache, &change, key, side);
	}
	bucket_close(&change);
	return err;
}

void index_trust(struct rawcache *cache, const struct key *key, const struct found *found)
{
	uint32_t epoch = cache_trusted(cache);
	struct bucket_change change;
	struct entry *entry;
	int side = 0;
	int i;

	if (!epoch || bucket_open_key(cache, key, &change))
		return;
	i = bucket_find(cache, &change, key, &side);
	entry = i >= 0 ? &change.side[side].bucket->entry[i] : NULL;
	if (entry && entry->page == found->page && entry->checksum == found->checksum) {
		uint64_t place = entry->place & ~(UINT64_C(0xff) << ENTRY_EPOCH_SHIFT);

		bucket_begin(&change.side[side]);
		store_release(&entry->place, place | (uint64_t)epoch << ENTRY_EPOCH_SHIFT);
	}
	bucket_close(&change);
}

int index_remove(struct rawcache *cache, const struct key *key, const struct found *found)
{
	struct bucket_change change;
	int err = bucket_open_key(cache, key, &change);

	if (err)
		return err == -ETIMEDOUT ? -EAGAIN : err;
	for (int side = 0; side < 2; side++) {
		int i = bucket_find(cache, &change, key, &side);
		struct entry *entry = i >= 0 ? &change.side[side].bucket->entry[i] : NULL;

		if (!entry || (found && entry->page != found->page))
			continue;
		bucket_begin(&change.side[side]);
		entry_clear(entry);
	}
	bucket_close(&change);
	return 0;
}
