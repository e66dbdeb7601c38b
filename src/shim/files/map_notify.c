/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include <rawcache/embed.h>

#include "shim/files/map_notify.h"

#include <sys/mman.h>

#include "base/checked.h"

#include "shim/table/attach.h"
#include "shim/table/fdtab.h"
#include "shim/table/handle.h"
#include "shim/files/track.h"

#define PLACES 1024u /* mappings at a time; the files of others are the origin's from then on */

enum notify_state { PLACE_FREE, PLACE_BUSY, PLACE_USED };

struct notify_place {
	uint32_t state;	 /* enum notify_state */
	uint32_t stores; /* it can be written to, or could be at some time */
	uint32_t major, minor;
	uint64_t inode;
	uintptr_t start, end;
};

static large_table struct notify_place notify_places[PLACES];
unsigned int map_notify_count;

static bool place_take(struct notify_place *place)
{
	uint32_t free = PLACE_FREE;

	return load_relaxed(&place->state) == PLACE_FREE && cas(&place->state, &free, PLACE_BUSY);
}

static void count_raise(unsigned int to)
{
	unsigned int seen = load_relaxed(&map_notify_count);

	while (seen < to && !cas(&map_notify_count, &seen, to))
		;
}

static void place_fill(struct notify_place *place, uintptr_t start, size_t n,
		       const struct statx *stx, bool stores)
{
	store_relaxed(&place->stores, stores);
	place->major = stx->stx_dev_major;
	place->minor = stx->stx_dev_minor;
	place->inode = stx->stx_ino;
	store_relaxed(&place->start, start);
	store_relaxed(&place->end, start + n);
	/* pairs with the acquire load in place_touches() */
	store_release(&place->state, PLACE_USED);
}

void map_notify_begin(int fd)
{
	struct handle *handle = track_get(fd);

	if (handle)
		handle_write(handle, fd);
}

/* From now on nothing is served of the file, to any process. */
static void stores_begin(const struct statx *stx)
{
	rawcache_file_stores_begin(attach_cache_now(), stx);
	rawcache_file_changed(attach_cache_now(), stx);
}

static void place_note(uintptr_t start, size_t n, const struct statx *stx, bool stores)
{
	for (unsigned int i = 0; i < PLACES; i++)
		if (place_take(&notify_places[i])) {
			place_fill(&notify_places[i], start, n, stx, stores);
			count_raise(i + 1);
			if (stores)
				stores_begin(stx);
			return;
		}
	/* there is no place for it: nothing is served of the file any more */
	stores_begin(stx);
}

void map_notify_note(const void *p, size_t n, int prot, int fd)
{
	struct handle *handle = track_get(fd);

	if (!handle || !handle_is_writer(handle))
		return;
	if (prot & PROT_WRITE) /* the file is the origin's */
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_open_mode);
	place_note((uintptr_t)p, n, &handle->stx, prot & PROT_WRITE);
}

static struct statx place_file(const struct notify_place *place)
{
	return (struct statx){ .stx_dev_major = place->major,
			       .stx_dev_minor = place->minor,
			       .stx_ino = place->inode };
}

static void place_announce(const struct notify_place *place)
{
	struct statx stx = place_file(place);

	rawcache_file_changed(attach_cache_now(), &stx);
}

static bool place_touches(const struct notify_place *place, uintptr_t start, uintptr_t end)
{
	return load_acquire(&place->state) == PLACE_USED && load_relaxed(&place->start) < end &&
	       start < load_relaxed(&place->end);
}

void map_notify_announce_slow(const void *p, size_t n)
{
	uintptr_t start = (uintptr_t)p;

	for (unsigned int i = 0; i < load_relaxed(&map_notify_count); i++)
		if (place_touches(&notify_places[i], start, start + n))
			place_announce(&notify_places[i]);
}

void map_notify_open_slow(const void *p, size_t n)
{
	uintptr_t start = (uintptr_t)p;

	for (unsigned int i = 0; i < load_relaxed(&map_notify_count); i++) {
		struct notify_place *place = &notify_places[i];
		struct statx stx = place_file(place);

		if (place_touches(place, start, start + n) &&
		    !__atomic_exchange_n(&place->stores, 1, __ATOMIC_ACQ_REL))
			stores_begin(&stx);
	}
}

/* Cut the range out of a place; returns whether nothing is left, so that the caller must end it. */
static bool place_cut(struct notify_place *place, uintptr_t start, uintptr_t end)
{
	uint32_t used = PLACE_USED;

	if (start <= place->start && place->end <= end)
		return cas(&place->state, &used, PLACE_BUSY);
	if (start <= place->start)
		store_relaxed(&place->start, end);
	else if (place->end <= end)
		store_relaxed(&place->end, start);
	return false;
}

void map_notify_take_slow(const void *p, size_t n, struct map_notify_taken *taken)
{
	uintptr_t start = (uintptr_t)p;

	for (unsigned int i = 0; i < load_relaxed(&map_notify_count); i++) {
		struct notify_place *place = &notify_places[i];

		if (!place_touches(place, start, start + n))
			continue;
		place_announce(place);
		/* places beyond the limit stay: nothing is served of their files */
		if (taken->count < ARRAY_SIZE(taken->place) && place_cut(place, start, start + n))
			taken->place[taken->count++] = (uint16_t)i;
	}
}

void map_notify_end_slow(const struct map_notify_taken *taken, bool unmapped)
{
	for (unsigned int i = 0; i < taken->count; i++) {
		struct notify_place *place = &notify_places[taken->place[i]];
		struct statx stx = place_file(place);

		if (unmapped && load_relaxed(&place->stores))
			rawcache_file_stores_end(attach_cache_now(), &stx);
		if (unmapped)
			rawcache_file_changed(attach_cache_now(), &stx);
		store_release(&place->state, unmapped ? PLACE_FREE : PLACE_USED);
	}
}

void map_notify_move(const void *p, size_t old, bool stays, const void *to, size_t n)
{
	uintptr_t start = (uintptr_t)p;
	size_t range = old ? old : 1;
	uintptr_t end = start + round_up(range, 4096);
	unsigned int count = load_relaxed(&map_notify_count);

	for (unsigned int i = 0; i < count; i++) {
		struct notify_place *place = &notify_places[i];
		struct statx stx = place_file(place);

		if (!place_touches(place, start, end))
			continue;
		if (!stays && place->start == start && place->end <= end) {
			store_relaxed(&place->start, (uintptr_t)to);
			store_relaxed(&place->end, (uintptr_t)to + n);
		} else {
			/* what was moved out of it stays in it, too: it may end too late */
			place_note((uintptr_t)to, n, &stx, load_relaxed(&place->stores));
		}
	}
}
