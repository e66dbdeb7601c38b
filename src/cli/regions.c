/* SPDX-License-Identifier: MIT */
#include "cli/regions.h"

#include <stdio.h>

#include "cli/text.h"

static enum regions_kind kind_of(const struct rawcache_region *region)
{
	switch (region->state) {
	case RAWCACHE_REGION_ACTIVE:
		return REGIONS_WRITTEN;
	case RAWCACHE_REGION_SEALED:
		return region->reread ? REGIONS_REREAD : REGIONS_ONCE;
	case RAWCACHE_REGION_RECYCLING:
		return REGIONS_EMPTIED;
	case RAWCACHE_REGION_BAD:
		return REGIONS_BAD;
	default:
		return REGIONS_FREE;
	}
}

static bool region_filled(const struct rawcache_region *region)
{
	return region->state == RAWCACHE_REGION_ACTIVE || region->state == RAWCACHE_REGION_SEALED;
}

#define AGE_LOOKS 1024u /* regions that an age is compared with */

/* Which share of the regions in use is younger. */
static double age_of(const struct rawcache_region *region, size_t count, uint64_t opened)
{
	size_t younger = 0;
	size_t others = 0;

	for (size_t i = 0; i < count; i += count / AGE_LOOKS + 1) {
		if (!region_filled(&region[i]) || region[i].opened == opened)
			continue;
		others++;
		younger += region[i].opened > opened;
	}
	return others ? (double)younger / (double)others : 0;
}

struct regions_cell regions_cell_of(const struct rawcache_region *region, size_t count, size_t i,
				    size_t cells)
{
	struct regions_cell cell = { .first = i * count / cells, .end = (i + 1) * count / cells };

	for (size_t r = cell.first; r < cell.end; r++) {
		enum regions_kind kind = kind_of(&region[r]);

		cell.kind = kind > cell.kind ? kind : cell.kind;
		cell.held |= region[r].held;
		cell.used += region[r].used;
		cell.size += region[r].size;
		if (region_filled(&region[r]) && region[r].opened > cell.opened)
			cell.opened = region[r].opened;
	}
	cell.age = cell.opened ? age_of(region, count, cell.opened) : 0;
	return cell;
}

void regions_tell(const struct regions_cell *cell, char *text, size_t n)
{
	static const char *const names[] = {
		[REGIONS_FREE] = "empty",
		[REGIONS_EMPTIED] = "being emptied",
		[REGIONS_ONCE] = "read once",
		[REGIONS_REREAD] = "read again",
		[REGIONS_WRITTEN] = "being written",
		[REGIONS_BAD] = "failed",
	};
	char number[48], used[TEXT_LENGTH], size[TEXT_LENGTH], opened[TEXT_LENGTH];

	if (cell->end - cell->first == 1)
		snprintf(number, sizeof(number), "region %zu", cell->first);
	else
		snprintf(number, sizeof(number), "regions %zu to %zu", cell->first, cell->end - 1);
	snprintf(text, n, "%s: %s, %s of %s used%s%s%s", number, names[cell->kind],
		 text_bytes(cell->used, used), text_bytes(cell->size, size),
		 cell->opened ? ", begun " : "",
		 cell->opened ? text_time(cell->opened, opened) : "", cell->held ? ", held" : "");
}
