/* SPDX-License-Identifier: MIT */
/* Going through the index: sweeping it, and finding what lies in the regions. */
#include "core/index/bucket.h"

static int bucket_sweep(struct rawcache *cache, uint32_t number)
{
	struct bucket_change change;
	struct found found;
	int err = bucket_open(cache, number, number, &change);

	if (err)
		return err;
	bucket_begin(&change.side[0]);
	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry *entry = &change.side[0].bucket->entry[i];

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

/* The entry's key, without those bucket bits that the bucket's number does not tell. */
static struct key key_of_entry(const struct image *image, uint32_t number, int i,
			       const struct entry *entry)
{
	uint64_t bucket = number;
	struct key key;

	if (entry_displaced(image, &image->buckets[number], i))
		bucket = bucket_other(image, number, entry->tag_low);
	key.low = entry->tag_low;
	key.high = ((bucket << 32) / image->sb.bucket_count + 1) << 32 | entry->tag_high;
	return key;
}

/* Copy an entry that was not changed meanwhile. False: its bucket is being changed. */
static bool entry_copy(const struct bucket *bucket, int i, struct entry *copy)
{
	uint32_t sequence = load_acquire(&bucket->sequence);

	*copy = entry_load(&bucket->entry[i]);
	fence_acquire(); /* pairs with the release in bucket_begin() */
	return !(sequence & 1) && load_relaxed(&bucket->sequence) == sequence;
}

bool index_at(struct rawcache *cache, uint32_t page, struct key *key, struct found *found)
{
	const struct image *image = &cache->image;
	uint32_t number = image->page_buckets ? load_relaxed(&image->page_buckets[page]) : 0;
	const struct bucket *bucket;
	struct entry entry;

	if (!number || number > image->sb.bucket_count)
		return false;
	bucket = &image->buckets[number - 1];
	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		if (load_relaxed(&bucket->entry[i].page) != page ||
		    !entry_copy(bucket, i, &entry) || entry.page != page ||
		    entry_decode(image, &entry, found) != ENTRY_LIVE)
			continue;
		*key = key_of_entry(image, number - 1, i, &entry);
		found->number = (uint64_t)(number - 1) * BUCKET_ENTRIES + (uint64_t)i;
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
			key = key_of_entry(image, (uint32_t)(n / BUCKET_ENTRIES),
					   (int)(n % BUCKET_ENTRIES), &entry);
			found.number = n;
			if (!visit(arg, &key, &found))
				return;
		}
	}
}
