/* SPDX-License-Identifier: MIT */
/*
 * What a process will read next of a file, guessed from where it missed.
 *
 * A few streams per file, each a reader that goes on where it was, or by equal strides. A
 * sequential one gets whole chunks and a window of chunks read ahead, which doubles with each
 * chunk it crosses; a reader that jumps about in a large file gets parts (see part.h) and
 * nothing ahead. Looked at when a read misses or touches a chunk for the first time, never
 * when it goes on inside a chunk that is known.
 *
 * Nothing here must be right. A thread that finds the streams busy does without them.
 */
#ifndef CORE_AHEAD_H
#define CORE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/reader.h"

/* What to do about a read. */
struct plan {
	bool whole;	/* a miss fetches the chunk, not a part of it */
	bool ordered;	/* the chunks before and behind it are read, too */
	uint64_t first; /* chunk to read ahead, and how many, `step` apart */
	uint32_t count;
	int64_t step;
};

struct rawcache;
struct file;
struct want;

void ahead_note(const struct rawcache *cache, struct file *file, const struct want *want,
		struct plan *plan);

/* `started` of the plan's chunks are on their way, the first `passed` need nothing any more. */
void ahead_started(struct file *file, const struct plan *plan, uint32_t passed, uint32_t started);

/* The reader that came last was given the bytes [from, to), more than it asked for. */
void ahead_gave(struct file *file, uint64_t from, uint64_t to);

#endif
