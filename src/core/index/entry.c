/* SPDX-License-Identifier: MIT */
#include "core/index/entry.h"

#include "base/checked.h"

/* The result is never younger than `stored`, except for extents that are more than a year old. */
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

uint64_t place_encode(uint32_t length, uint32_t generation, uint32_t epoch, uint64_t opened,
		      uint64_t stored)
{
	return (uint64_t)(length - 1) |
	       (uint64_t)(generation & ENTRY_GENERATION_MASK) << ENTRY_GENERATION_SHIFT |
	       (uint64_t)epoch << ENTRY_EPOCH_SHIFT | age_encode(opened, stored) << ENTRY_AGE_SHIFT;
}

enum entry_state entry_decode(const struct image *image, const struct entry *entry,
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
	found->generation = generation_before(image, entry->page);
	if (((place >> ENTRY_GENERATION_SHIFT) ^ found->generation) & ENTRY_GENERATION_MASK)
		return ENTRY_STALE;
	found->stored = age_decode(load_relaxed(&region->opened), place >> ENTRY_AGE_SHIFT);
	return ENTRY_LIVE;
}

struct entry entry_load(const struct entry *entry)
{
	struct entry copy;

	copy.tag_low = load_relaxed(&entry->tag_low);
	copy.tag_high = load_relaxed(&entry->tag_high);
	copy.page = load_relaxed(&entry->page);
	copy.checksum = load_relaxed(&entry->checksum);
	copy.place = load_relaxed(&entry->place);
	return copy;
}

void entry_clear(struct entry *entry)
{
	store_relaxed(&entry->place, 0);
	fence_release(); /* a process killed from here on leaves an empty entry */
	store_relaxed(&entry->tag_low, 0);
	store_relaxed(&entry->tag_high, 0);
}

bool bucket_has(const struct image *image, const struct bucket *bucket, enum entry_state state)
{
	struct found found;

	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry entry = entry_load(&bucket->entry[i]);

		if (entry_decode(image, &entry, &found) == state)
			return true;
	}
	return false;
}

int bucket_free(const struct image *image, const struct bucket *bucket)
{
	struct found found;

	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry entry = entry_load(&bucket->entry[i]);

		if (entry_decode(image, &entry, &found) != ENTRY_LIVE)
			return i;
	}
	return -1;
}
