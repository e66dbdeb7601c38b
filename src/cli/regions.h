/* SPDX-License-Identifier: MIT */
/* The regions of an image as cells of a map. */
#ifndef CLI_REGIONS_H
#define CLI_REGIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <rawcache/image.h>

/* The later ones win where a cell stands for several regions. */
enum regions_kind {
	REGIONS_FREE,
	REGIONS_EMPTIED,
	REGIONS_ONCE,
	REGIONS_REREAD,
	REGIONS_WRITTEN,
	REGIONS_BAD,
};

struct regions_cell {
	enum regions_kind kind;
	bool held;	   /* one of them is */
	double age;	   /* 0: the youngest in the image, 1: the oldest */
	size_t first, end; /* the regions that it stands for */
	uint64_t used, size;
	uint64_t opened; /* the youngest one; 0: none */
};

/* Cell `i` of `cells`, which are no more than there are regions. */
struct regions_cell regions_cell_of(const struct rawcache_region *region, size_t count, size_t i,
				    size_t cells);

/* One line about it. */
void regions_tell(const struct regions_cell *cell, char *text, size_t n);

#endif
