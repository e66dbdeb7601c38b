/* SPDX-License-Identifier: MIT */
#include "core/index.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"

/* A reader meets a bucket in change for nanoseconds, or one whose writer was killed. */
#define SEQUENCE_TRIES 128

enum entry_state { ENTRY_EMPTY, ENTRY_STALE, ENTRY_BROKEN, ENTRY_LIVE };

/* Never younger than it is, but for what is more than a year old. */
static uint64_t age_encode(uint64_t opened, uint64_t stored)
{
	uint64_t units;

	if (stored >= opened)
		return min_u64(stored - opened, ENTRY_AGE_MAX);
	units = (opened - stored + ENTRY_AGE_UNIT - 1) / ENTRY_AGE_UNIT;
	return ENTRY_AGE_BEFORE + min_u64(units, ENTRY_AGE_MAX);
}

static uint64_t age_decode(uint64_t opened, uint64_t age)
{
	uint64_t before = (age - ENTRY_AGE_BEFORE) * ENTRY_AGE_UNIT;

	if (age < ENTRY_AGE_BEFORE)
		return opened + age;
	return opened > before ? opened - before : 0;
}

static uint64_t place_encode(uint32_t length, uint32_t generation, uint32_t epoch, uint64_t age)
{
	return (uint64_t)(length - 1) |
	       (uint64_t)(generation & ENTRY_GENERATION_MASK) << ENTRY_GENERATION_SHIFT |
	       (uint64_t)epoch << ENTRY_EPOCH_SHIFT | age << ENTRY_AGE_SHIFT;
}

/* The decoder of what may be anything: nothing is believed that does not fit the geometry. */
static enum entry_state entry_decode(const struct image *image, const struct entry *entry,
				     struct found *found)
{
	uint64_t place = entry->place;
	uint32_t pages;
	const struct region *region;

	if (!place)
		return ENTRY_EMPTY;
	found->page = entry->page;
	found->length = (uint32_t)(place & ((1u << ENTRY_LENGTH_BITS) - 1)) + 1;
	found->epoch = (uint32_t)(place >> ENTRY_EPOCH_SHIFT) & 0xff;
	found->checksum = entry->checksum;
	pages = (found->length + FORMAT_PAGE - 1) >> FORMAT_PAGE_SHIFT;
	if (!found->epoch || entry->page >= image->total_pages ||
	    (entry->page & (image->region_pages - 1)) + pages > image->region_pages)
		return ENTRY_BROKEN;
	region = image_region(image, entry->page);
	found->generation = load_acquire(&region->generation);
	if (((place >> ENTRY_GENERATION_SHIFT) ^ found->generation) & ENTRY_GENERATION_MASK)
		return ENTRY_STALE;
	found->stored = age_decode(load_relaxed(&region->opened), place >> ENTRY_AGE_SHIFT);
	return ENTRY_LIVE;
}

static struct entry entry_load(const struct entry *entry)
{
	struct entry copy;

	copy.tag_low = load_relaxed(&entry->tag_low);
	copy.tag_high = load_relaxed(&entry->tag_high);
	copy.page = load_relaxed(&entry->page);
	copy.checksum = load_relaxed(&entry->checksum);
	copy.place = load_relaxed(&entry->place);
	return copy;
}

static bool entry_has_key(const struct entry *entry, const struct key *key)
{
	return load_relaxed(&entry->tag_low) == key->low &&
	       load_relaxed(&entry->tag_high) == (uint32_t)key->high;
}

static struct bucket *bucket_of(const struct rawcache *cache, const struct key *key,
				uint32_t *number)
{
	*number = key_bucket(key, cache->image.sb.bucket_count);
	return &cache->image.buckets[*number];
}

bool index_find(struct rawcache *cache, const struct key *key, struct found *found)
{
	uint32_t number;
	struct bucket *bucket = bucket_of(cache, key, &number);
	struct entry entry = { 0 };

	for (int tries = 0; tries < SEQUENCE_TRIES; tries++) {
		uint32_t sequence = load_acquire(&bucket->sequence);
		int i;

		if (sequence & 1) {
			cpu_relax();
			continue;
		}
		for (i = 0; i < BUCKET_ENTRIES; i++)
			if (entry_has_key(&bucket->entry[i], key))
				break;
		if (i < BUCKET_ENTRIES)
			entry = entry_load(&bucket->entry[i]);
		fence_acquire(); /* pairs with the release in bucket_open() */
		if (load_relaxed(&bucket->sequence) != sequence)
			continue;
		if (i == BUCKET_ENTRIES)
			return false;
		found->number = (uint64_t)number * BUCKET_ENTRIES + (uint64_t)i;
		return entry_decode(&cache->image, &entry, found) == ENTRY_LIVE;
	}
	return false;
}

/* --- changes, under an index lock */

struct bucket_change {
	struct critical critical;
	pthread_mutex_t *lock;
	struct bucket *bucket;
	uint32_t number;
};

static int bucket_open(struct rawcache *cache, uint32_t number, struct bucket_change *change)
{
	struct runtime *runtime = &cache->runtime;
	int err;

	if (!runtime->header || runtime->read_only || cache->image.read_only)
		return -EROFS;
	change->lock = &runtime->header->index_lock[number % RUNTIME_INDEX_LOCKS];
	change->bucket = &cache->image.buckets[number];
	change->number = number;
	critical_enter(&change->critical);
	err = runtime_lock(change->lock);
	if (err) {
		critical_leave(&change->critical);
		return err;
	}
	/* odd already: a writer was killed here, or the power failed */
	store_relaxed(&change->bucket->sequence, change->bucket->sequence | 1);
	fence_release(); /* pairs with the acquire fence in index_find() */
	CRASH_POINT(bucket_odd);
	return 0;
}

static void bucket_close(struct bucket_change *change)
{
	store_release(&change->bucket->sequence, change->bucket->sequence + 1);
	CRASH_POINT(bucket_even);
	runtime_unlock(change->lock);
	critical_leave(&change->critical);
}

static void entry_clear(struct entry *entry)
{
	store_relaxed(&entry->place, 0);
	fence_release(); /* a process killed from here on leaves an empty entry */
	store_relaxed(&entry->tag_low, 0);
	store_relaxed(&entry->tag_high, 0);
}

static struct entry *bucket_find(struct bucket *bucket, const struct key *key)
{
	for (int i = 0; i < BUCKET_ENTRIES; i++)
		if (bucket->entry[i].place && entry_has_key(&bucket->entry[i], key))
			return &bucket->entry[i];
	return NULL;
}

static uint8_t *visited_of(const struct rawcache *cache, uint32_t number, int i)
{
	uint64_t n = (uint64_t)number * BUCKET_ENTRIES + (uint64_t)i;

	return &cache->runtime.visited[n % cache->runtime.visited_count];
}

/* The entry to overwrite: empty, useless, the oldest one not visited, or the oldest. */
static struct entry *bucket_victim(struct rawcache *cache, struct bucket *bucket, uint32_t number)
{
	uint64_t oldest[2] = { UINT64_MAX, UINT64_MAX };
	int victim[2] = { -1, -1 };
	struct found found;

	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		uint8_t *visited = visited_of(cache, number, i);
		int warm = load_relaxed(visited) != 0;

		if (entry_decode(&cache->image, &bucket->entry[i], &found) != ENTRY_LIVE)
			return &bucket->entry[i];
		if (found.stored < oldest[warm]) {
			oldest[warm] = found.stored;
			victim[warm] = i;
		}
	}
	if (victim[0] >= 0)
		return &bucket->entry[victim[0]];
	/* all were visited: each has to earn it again */
	for (int i = 0; i < BUCKET_ENTRIES; i++)
		store_relaxed(visited_of(cache, number, i), 0);
	return &bucket->entry[victim[1] >= 0 ? victim[1] : 0];
}

/* Of an entry at `page`; a clock that was set back gives nothing an age below 0. */
static uint64_t place_at(const struct rawcache *cache, uint32_t page, uint32_t length,
			 uint32_t generation, uint32_t epoch, uint64_t stored)
{
	uint64_t opened = load_relaxed(&image_region(&cache->image, page)->opened);

	return place_encode(length, generation, epoch, age_encode(opened, stored));
}

/* What lies at `page` now: where who empties the region finds the entry again, and how much it is. */
static void home_note(const struct rawcache *cache, uint32_t page, uint32_t length, uint32_t bucket)
{
	if (cache->image.homes)
		store_relaxed(&cache->image.homes[page], bucket + 1);
	fetch_add(&image_region(&cache->image, page)->used,
		  (length + FORMAT_PAGE - 1) >> FORMAT_PAGE_SHIFT);
}

int index_store(struct rawcache *cache, const struct key *key, uint32_t page, uint32_t length,
		uint32_t generation, uint64_t checksum)
{
	uint64_t now = clock_real_ns() / 1000000000u;
	uint64_t opened = load_relaxed(&image_region(&cache->image, page)->opened);
	uint32_t epoch = cache_trusted(cache);
	uint64_t place = place_at(cache, page, length, generation, epoch, max_u64(now, opened));
	struct bucket_change change;
	struct entry *entry;
	int err = epoch ? 0 : -EROFS;

	if (!err)
		err = bucket_open(cache, key_bucket(key, cache->image.sb.bucket_count), &change);
	if (err)
		return err;
	entry = bucket_find(change.bucket, key);
	if (!entry)
		entry = bucket_victim(cache, change.bucket, change.number);
	entry_clear(entry);
	CRASH_POINT(entry_cleared);
	store_relaxed(&entry->tag_low, key->low);
	store_relaxed(&entry->tag_high, (uint32_t)key->high);
	CRASH_POINT(entry_tagged);
	store_relaxed(&entry->page, page);
	store_relaxed(&entry->checksum, checksum);
	store_release(&entry->place, place);
	CRASH_POINT(entry_placed);
	home_note(cache, page, length, change.number);
	store_relaxed(visited_of(cache, change.number, (int)(entry - change.bucket->entry)), 0);
	bucket_close(&change);
	return 0;
}

int index_move(struct rawcache *cache, const struct key *key, const struct found *from,
	       uint32_t page, uint32_t generation)
{
	uint32_t epoch = cache_trusted(cache);
	uint64_t place =
		place_at(cache, page, from->length, generation, epoch, from->stored);
	struct bucket_change change;
	struct entry *entry;
	struct found now;
	int err = epoch ? 0 : -EROFS;

	if (!err)
		err = bucket_open(cache, key_bucket(key, cache->image.sb.bucket_count), &change);
	if (err)
		return err;
	entry = bucket_find(change.bucket, key);
	if (!entry || entry_decode(&cache->image, entry, &now) != ENTRY_LIVE ||
	    now.page != from->page || now.length != from->length ||
	    now.generation != from->generation || now.checksum != from->checksum) {
		err = -ESTALE;
	} else {
		store_relaxed(&entry->place, 0);
		fence_release(); /* a process killed from here on leaves an empty entry */
		CRASH_POINT(entry_lifted);
		store_relaxed(&entry->page, page);
		store_release(&entry->place, place);
		CRASH_POINT(entry_moved);
		home_note(cache, page, from->length, change.number);
		store_relaxed(visited_of(cache, change.number, (int)(entry - change.bucket->entry)),
			      0);
	}
	bucket_close(&change);
	return err;
}

void index_trust(struct rawcache *cache, const struct key *key, const struct found *found)
{
	uint32_t epoch = cache_trusted(cache);
	struct bucket_change change;
	struct entry *entry;

	if (!epoch ||
	    bucket_open(cache, key_bucket(key, cache->image.sb.bucket_count), &change))
		return;
	entry = bucket_find(change.bucket, key);
	if (entry && entry->page == found->page && entry->checksum == found->checksum) {
		uint64_t place = entry->place & ~(UINT64_C(0xff) << ENTRY_EPOCH_SHIFT);

		store_release(&entry->place, place | (uint64_t)epoch << ENTRY_EPOCH_SHIFT);
	}
	bucket_close(&change);
}

int index_remove(struct rawcache *cache, const struct key *key, const struct found *found)
{
	struct bucket_change change;
	struct entry *entry;
	int err = bucket_open(cache, key_bucket(key, cache->image.sb.bucket_count), &change);

	if (err)
		return err == -ETIMEDOUT ? -EAGAIN : err;
	entry = bucket_find(change.bucket, key);
	if (entry && (!found || entry->page == found->page))
		entry_clear(entry);
	bucket_close(&change);
	return 0;
}

static bool bucket_has(const struct image *image, const struct bucket *bucket,
		       enum entry_state state)
{
	struct found found;

	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry entry = entry_load(&bucket->entry[i]);

		if (entry_decode(image, &entry, &found) == state)
			return true;
	}
	return false;
}

static int bucket_sweep(struct rawcache *cache, uint32_t number)
{
	struct bucket_change change;
	struct found found;
	int err = bucket_open(cache, number, &change);

	if (err)
		return err;
	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry *entry = &change.bucket->entry[i];

		if (entry->place && entry_decode(&cache->image, entry, &found) != ENTRY_LIVE)
			entry_clear(entry);
	}
	bucket_close(&change);
	return 0;
}

int index_sweep(struct rawcache *cache)
{
	const struct image *image = &cache->image;
	int err = 0;

	for (uint32_t n = 0; n < image->sb.bucket_count && !err; n++)
		if (bucket_has(image, &image->buckets[n], ENTRY_STALE) ||
		    bucket_has(image, &image->buckets[n], ENTRY_BROKEN))
			err = bucket_sweep(cache, n);
	return err;
}

/* The entry's key, but for those of its bucket bits that the bucket does not tell. */
static struct key key_of_entry(const struct image *image, uint64_t bucket,
			       const struct entry *entry)
{
	struct key key;

	key.low = entry->tag_low;
	key.high = ((bucket << 32) / image->sb.bucket_count + 1) << 32 | entry->tag_high;
	return key;
}

/* A copy of an entry that was not changed meanwhile; false: somebody is changing its bucket. */
static bool entry_copy(const struct bucket *bucket, int i, struct entry *copy)
{
	uint32_t sequence = load_acquire(&bucket->sequence);

	*copy = entry_load(&bucket->entry[i]);
	fence_acquire(); /* pairs with the release in bucket_open() */
	return !(sequence & 1) && load_relaxed(&bucket->sequence) == sequence;
}

bool index_at(struct rawcache *cache, uint32_t page, struct key *key, struct found *found)
{
	const struct image *image = &cache->image;
	uint32_t home = image->homes ? load_relaxed(&image->homes[page]) : 0;
	const struct bucket *bucket;
	struct entry entry;

	if (!home || home > image->sb.bucket_count)
		return false;
	bucket = &image->buckets[home - 1];
	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		if (load_relaxed(&bucket->entry[i].page) != page ||
		    !entry_copy(bucket, i, &entry) || entry.page != page ||
		    entry_decode(image, &entry, found) != ENTRY_LIVE)
			continue;
		*key = key_of_entry(image, home - 1, &entry);
		found->number = (uint64_t)(home - 1) * BUCKET_ENTRIES + (uint64_t)i;
		return true;
	}
	return false;
}

void index_walk(struct rawcache *cache,
		bool (*visit)(void *arg, const struct key *key, const struct found *found),
		void *arg, uint64_t *stale, uint64_t *broken)
{
	const struct image *image = &cache->image;

	for (uint64_t n = 0; n < (uint64_t)image->sb.bucket_count * BUCKET_ENTRIES; n++) {
		const struct bucket *bucket = &image->buckets[n / BUCKET_ENTRIES];
		struct entry entry = entry_load(&bucket->entry[n % BUCKET_ENTRIES]);
		struct found found;
		struct key key;

		switch (entry_decode(image, &entry, &found)) {
		case ENTRY_EMPTY:
			break;
		case ENTRY_STALE:
			(*stale)++;
			break;
		case ENTRY_BROKEN:
			(*broken)++;
			break;
		case ENTRY_LIVE:
			key = key_of_entry(image, n / BUCKET_ENTRIES, &entry);
			found.number = n;
			if (!visit(arg, &key, &found))
				return;
		}
	}
}
