/* SPDX-License-Identifier: MIT */
/* Runs (space.h): blocks for chunks of one file that is read in order. All under the lock of the log's space. */
#ifndef CORE_SPACE_RUN_H
#define CORE_SPACE_RUN_H

#include "core/space/space.h"
#include "core/space/space_rest.h"

struct space_want {
	enum region_log log;
	struct space *space; /* of the log */
	uint32_t pages;
	const struct space_stream *stream;
	uint32_t cut;  /* pages that must be cut, for the chunk or for the run that follows */
	uint64_t next; /* the chunk at which the run that follows begins */
	uint32_t waits;
};

/* Of a run, in space_run.followed: whether there is one behind it. */
enum { FOLLOW_NONE, FOLLOW_SOON, FOLLOW_DONE };

/*
 * The run that contains a chunk; or, if there is none, where the run that shall contain it begins and ends.
 */
struct neighbours {
	struct space_run *run;
	uint64_t first, end;	  /* chunks */
	struct space_run *before; /* the run that it continues; NULL: none */
	struct space_run *promised;
};

void run_neighbours(const struct rawcache *cache, struct space *space, uint64_t tag, uint64_t chunk,
		    struct neighbours *n);

void runs_end_idle(const struct rawcache *cache, struct space *space);

/* Announce that a run is being made, so that no other process makes it too. */
void run_promise(const struct rawcache *cache, const struct space_want *want, struct neighbours *n);

bool run_awaited(const struct neighbours *n);

/* Begin a run. Returns false if want->cut pages must be cut for it; fewer will do, but at least a block. */
bool run_begin(const struct rawcache *cache, const struct space_want *want,
	       const struct neighbours *n, struct piece *hand, uint32_t *cut);

/* Take the chunk's place in the run. */
bool run_take(const struct rawcache *cache, const struct space_want *want, struct space_run *run,
	      struct piece *taken);

/*
 * When half of a run is taken, the next one is made, before several threads need it at once. Returns the
 * pages that must be cut for it, and its first chunk.
 */
uint32_t run_follow(const struct rawcache *cache, const struct space_want *want,
		    struct space_run *run, uint64_t *next);

#endif
