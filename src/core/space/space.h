/* SPDX-License-Identifier: MIT */
/*
 * Space for extents, so that what is read together lies together.
 *
 * Regions are cut into blocks of 2 MiB (less where they are small), which begin at multiples of 2 MiB in the
 * image. Chunks of a file that is read in order are stored in a *run*: one or more blocks, in which each
 * chunk of the file has a place of its own, in whatever order and by whichever process they are stored. The
 * next run of the file is larger, up to 16 MiB, and follows the last one in the image unless another file
 * came in between. A process that makes a run announces it first; other processes that need it wait for a
 * moment (RUN_WAITS_MAX). In a run the file's blocks of 2 MiB are the image's: such a block can be one folio
 * and be mapped by one entry of a page directory.
 *
 * All other extents come from *rests*: pieces that were cut from regions and are not used. The unused end of a file's
 * last run becomes a rest, and so does a run that is not continued.
 *
 * Each log has its own runs and rests, in the runtime segment, under one lock. If a process dies that has
 * taken some of their space, that is lost until the region is recycled. Each run and rest has the generation
 * of its region, which tells whether it is still valid. Space that is taken from one is pinned, and its
 * generation compared, before it is used (INV-3): see region.h.
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
 * Get space for one extent in a log: the place of its chunk or, with `stream` NULL, any. Errors as
 * region_alloc_most(); each success owes one region_release().
 */
int space_get(struct rawcache *cache, enum region_log log, uint32_t pages,
	      const struct space_stream *stream, struct extent *extent);

#endif
