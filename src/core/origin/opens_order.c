/* SPDX-License-Identifier: MIT */
/* In which order a program opens the files of a directory. */
#include "core/origin/opens_queue.h"

#include "base/checked.h"

#define ORDER_NAMES 3u /* so many in a row are no chance */

/* Whether the files that the program opened last follow each other in the order. */
static bool order_fits(struct opens *all, const struct dirlist *listing, enum dirlist_order order,
		       bool trusted)
{
	const struct opens_seen *seen = &all->seen;
	uint32_t known = (uint32_t)min_u64(seen->count, OPENS_RECENT);
	uint32_t last = 0;

	for (uint32_t i = 0; i < known; i++) {
		const char *name = seen->names[(seen->count - known + i) % OPENS_RECENT];
		uint32_t place = dirlist_find(listing, order, name, 0, listing->count);

		if (place == listing->count ||
		    (i && !dirlist_adjacent(listing, order, last, place)))
			return false;
		last = place;
	}
	all->expected = last + 1;
	return known >= ORDER_NAMES || (trusted && known && (known > 1 || !last));
}

bool opens_order_find(struct opens *all, const struct dirlist *listing)
{
	if (all->seen.directory != all->directory)
		return false;
	if (order_fits(all, listing, all->order, all->trusted))
		return true;
	for (int order = 0; order < DIRLIST_ORDERS; order++) {
		all->order = (enum dirlist_order)order;
		if (order_fits(all, listing, all->order, false))
			return true;
	}
	return false;
}
