/* SPDX-License-Identifier: MIT */
/*
 * Read-ahead: what a process will read next of a file, guessed from its misses. Each file has a few
 * streams; a stream is a reader that continues where it was, or moves by equal strides. A sequential reader
 * gets whole chunks and a window of chunks read ahead, which doubles with each chunk that it crosses. A
 * reader that jumps about in a large file gets parts (see part.h), and nothing is read ahead. The streams
 * are updated when a read misses, or touches a chunk for the first time, never when it continues inside a
 * known chunk. No result depends on them. A thread that finds the streams in use does without them.
 */
#ifndef CORE_AHEAD_H
#define CORE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/reader.h"

/* What to do for a read. */
struct plan {
	bool whole;	/* a miss fetches the chunk, not a part of it */
	bool ordered;	/* the chunks before and behind it are read too */
	uint64_t first; /* first chunk to read ahead, and their number, `step` apart */
	uint32_t count;
	int64_t step;
};

struct rawcache;
struct file;
struct want;

void ahead_note(const struct rawcache *cache, struct file *file, const struct want *want,
		struct plan *plan);

/* Report that `started` of the plan's chunks are under way; the first `passed` need nothing any more. */
void ahead_started(struct file *file, const struct plan *plan, uint32_t passed, uint32_t started);

/* Report that the last reader was given the bytes [from, to), more than it asked for. */
void ahead_gave(struct file *file, uint64_t from, uint64_t to);

#endif
