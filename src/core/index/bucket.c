/* SPDX-License-Identifier: MIT */
#include "core/index/bucket.h"

#include <errno.h>

#include "base/crash.h"

/*
 * How many entries are moved in turn to make room for a new one. With two, the index is filled to 95 %
 * before an entry is lost (tests/unit_index), and a full one costs a look at 112 buckets at most.
 */
#define RELIEVE_DEPTH 2

static int locks_take(struct rawcache *cache, struct bucket_change *change)
{
	pthread_mutex_t *locks = cache->runtime.header->index_lock;
	uint32_t low = change->side[0].number % RUNTIME_INDEX_LOCKS;
	uint32_t high = low;
	int err;

	if (change->side[1].bucket) {
		high = change->side[1].number % RUNTIME_INDEX_LOCKS;
		if (high < low) {
			low = high;
			high = change->side[0].number % RUNTIME_INDEX_LOCKS;
		}
	}
	change->lock[0] = &locks[low];
	change->lock[1] = high != low ? &locks[high] : NULL;
	err = runtime_lock(change->lock[0]);
	if (err || !change->lock[1])
		return err;
	err = runtime_lock(change->lock[1]);
	if (err)
		runtime_unlock(change->lock[0]);
	return err;
}

void bucket_begin(struct bucket_side *side)
{
	if (side->odd)
		return;
	side->odd = true;
	/* already odd: a writer was killed here, or the power failed */
	store_relaxed(&side->bucket->sequence, side->bucket->sequence | 1);
	fence_release(); /* pairs with the acquire fence in bucket_look() */
	CRASH_POINT(bucket_odd);
}

int bucket_open(struct rawcache *cache, uint32_t first, uint32_t second,
		struct bucket_change *change)
{
	int err;

	if (!cache->runtime.header || cache->runtime.read_only || cache->image.read_only)
		return -EROFS;
	change->side[0] = (struct bucket_side){ &cache->image.buckets[first], first, false };
	change->side[1] = (struct bucket_side){ NULL, 0, false };
	if (second != first)
		change->side[1] = (struct bucket_side){ &cache->image.buckets[second], second,
							false };
	critical_enter(&change->critical);
	err = locks_take(cache, change);
	if (err) {
		critical_leave(&change->critical);
		return err;
	}
	for (int i = 0; i < 2; i++)
		if (change->side[i].bucket && change->side[i].bucket->sequence & 1)
			bucket_begin(&change->side[i]);
	return 0;
}

void bucket_close(struct bucket_change *change)
{
	for (int i = 0; i < 2; i++) {
		struct bucket_side *side = &change->side[i];

		if (!side->odd)
			continue;
		store_release(&side->bucket->sequence, side->bucket->sequence + 1);
		CRASH_POINT(bucket_even);
	}
	if (change->lock[1])
		runtime_unlock(change->lock[1]);
	runtime_unlock(change->lock[0]);
	critical_leave(&change->critical);
}

int bucket_open_key(struct rawcache *cache, const struct key *key, struct bucket_change *change)
{
	const struct image *image = &cache->image;
	uint32_t number = key_bucket(key, image->sb.bucket_count);
	uint32_t other = image_displaces(image) ? bucket_other(image, number, key->low) : number;

	return bucket_open(cache, number, other, change);
}

int bucket_find(const struct rawcache *cache, const struct bucket_change *change,
		const struct key *key, int *side)
{
	for (; *side < 2; ++*side) {
		const struct bucket *bucket = change->side[*side].bucket;

		for (int i = 0; bucket && i < BUCKET_ENTRIES; i++)
			if (bucket->entry[i].place && entry_has_key(&bucket->entry[i], key) &&
			    entry_displaced(&cache->image, bucket, i) == (*side == 1))
				return i;
	}
	return -1;
}

void entry_put(struct rawcache *cache, struct bucket_side *side, int i, const struct entry *new,
	       bool displaced)
{
	struct entry *entry = &side->bucket->entry[i];
	uint32_t others = side->bucket->displaced & ~(1u << i);

	bucket_begin(side);
	entry_clear(entry);
	CRASH_POINT(entry_cleared);
	if (image_displaces(&cache->image))
		store_relaxed(&side->bucket->displaced, others | (uint32_t)displaced << i);
	store_relaxed(&entry->tag_low, new->tag_low);
	store_relaxed(&entry->tag_high, new->tag_high);
	CRASH_POINT(entry_tagged);
	store_relaxed(&entry->page, new->page);
	store_relaxed(&entry->checksum, new->checksum);
	store_release(&entry->place, new->place);
	CRASH_POINT(entry_placed);
}

/* --- making room */

/*
 * Both buckets are open. Entry `i` of the first, of which `entry` is a copy, gets place `j` of the second.
 * For a moment both buckets have it; at no time neither has: a process that is killed in between leaves it
 * in both.
 */
static void entry_shift(struct rawcache *cache, struct bucket_change *change,
			const struct entry *entry, int i, int j)
{
	struct bucket_side *from = &change->side[0];
	struct bucket_side *to = &change->side[1];
	uint8_t visits = load_relaxed(visits_of(cache, from->number, i));

	entry_put(cache, to, j, entry, !entry_displaced(&cache->image, from->bucket, i));
	store_relaxed(visits_of(cache, to->number, j), visits);
	if (cache->image.page_buckets)
		store_relaxed(&cache->image.page_buckets[entry->page], to->number + 1);
	CRASH_POINT(entry_doubled);
	bucket_begin(from);
	entry_clear(&from->bucket->entry[i]);
}

/* Move entry `i` of a bucket to its other bucket, if that one has room. */
static bool entry_displace(struct rawcache *cache, uint32_t number, int i)
{
	const struct image *image = &cache->image;
	struct entry entry = entry_load(&image->buckets[number].entry[i]);
	uint32_t other = bucket_other(image, number, entry.tag_low);
	struct bucket_change change;
	struct found found;
	bool moved = false;

	if (other == number || bucket_free(image, &image->buckets[other]) < 0 ||
	    bucket_open(cache, number, other, &change))
		return false;
	entry = entry_load(&change.side[0].bucket->entry[i]);
	if (entry_decode(image, &entry, &found) == ENTRY_LIVE &&
	    bucket_other(image, number, entry.tag_low) == other) {
		int free = bucket_free(image, change.side[1].bucket);

		moved = free >= 0;
		if (moved)
			entry_shift(cache, &change, &entry, i, free);
	}
	bucket_close(&change);
	return moved;
}

static bool bucket_empty_one(struct rawcache *cache, uint32_t number, int depth)
{
	const struct image *image = &cache->image;

	for (int i = 0; i < BUCKET_ENTRIES; i++)
		if (entry_displace(cache, number, i))
			return true;
	for (int i = 0; depth > 1 && i < BUCKET_ENTRIES; i++) {
		uint64_t tag = load_relaxed(&image->buckets[number].entry[i].tag_low);
		uint32_t other = bucket_other(image, number, tag);

		if (other != number && bucket_empty_one(cache, other, depth - 1) &&
		    entry_displace(cache, number, i))
			return true;
	}
	return false;
}

bool bucket_relieve(struct rawcache *cache, const struct key *key)
{
	const struct image *image = &cache->image;
	uint32_t number = key_bucket(key, image->sb.bucket_count);

	if (!image_displaces(image))
		return false;
	return bucket_empty_one(cache, number, RELIEVE_DEPTH) ||
	       bucket_empty_one(cache, bucket_other(image, number, key->low), RELIEVE_DEPTH);
}
