/* SPDX-License-Identifier: MIT */
/*
 * Space for extents, so that what is read together lies together.
 *
 * Regions are cut into blocks of 2 MiB (less where they are small), which begin at multiples of 2 MiB
 * in the image. Whoever stores chunks of a file that is read in order takes them from a *run*: one or
 * more blocks for as many chunks of that file, each at its own place, whatever order they arrive in and
 * whichever process stores them. The next run of the file is larger, up to 16 MiB, and follows the last
 * one if nobody came in between. Whoever makes a run says so first, and others that need it wait for a
 * moment. In a run the file's blocks of 2 MiB are the image's: such a block can be one folio and be
 * mapped by one entry of a page directory.
 *
 * Everything else, and what a file's last run leaves over, comes from *rests*: pieces that were cut and
 * nobody has. A run that nobody goes on with is given to them, too.
 *
 * Each log has its own. Runs and rests are in the runtime segment, under their lock: an owner that dies
 * has at most lost some space until the region is recycled. Their generations tell which of them are
 * gone. What is taken from one is pinned, and its generation compared, before it is anybody's: see
 * region.h.
 */
#ifndef CORE_SPACE_H
#define CORE_SPACE_H

#include "core/space/region.h"

/* A chunk of a file that is read in order. */
struct space_stream {
	uint64_t tag; /* of the file; not 0 */
	uint64_t chunk;
	uint64_t pages; /* of the file */
};

/*
 * Space for one extent in a log: the chunk's own, or (`stream` NULL) wherever there is some. As
 * region_alloc_most(); each success owes one region_release().
 */
int space_get(struct rawcache *cache, enum region_log log, uint32_t pages,
	      const struct space_stream *stream, struct extent *extent);

#endif
