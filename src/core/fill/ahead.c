/* SPDX-License-Identifier: MIT */
#include "core/fill/ahead.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "core/origin/file.h"
#include "core/fill/fill.h"
#include "core/fill/part.h"
#include "core/space/recycle.h"

#define WINDOW_FIRST 2u /* the least that hides one round trip behind a read */
#define WINDOW_MAX 32u	/* fewer than FETCHES, so that other files have room */
/* Files of up to this many chunks are fetched by whole chunks, however they are read. */
#define SMALL_CHUNKS 16u
#define STRIDES_SURE 2u

/*
 * A thread that has the streams for longer than this left by siglongjmp(), or does not exist in this child.
 */
#define ABANDONED_MS 1000u

static bool ahead_enter(struct ahead *ahead)
{
	uint32_t now = (uint32_t)clock_coarse_ms() | 1;
	uint32_t seen = load_relaxed(&ahead->busy);

	return (!seen || now - seen > ABANDONED_MS) && cas(&ahead->busy, &seen, now);
}

static void ahead_leave(struct ahead *ahead)
{
	store_release(&ahead->busy, 0);
}

/* Chunks that are read ahead must not be dropped before they are read. */
static uint32_t window_max(const struct rawcache *cache)
{
	uint64_t room = (uint64_t)recycle_probation(cache) << cache->image.sb.region_shift;
	uint64_t bytes = min_u64(cache->options.readahead, room / 4);

	return (uint32_t)min_u64(bytes / cache->chunk_bytes, WINDOW_MAX);
}

static bool stream_continues(const struct stream *s, uint64_t chunk, uint64_t offset)
{
	if (!s->used)
		return false;
	/* or a read that begins in the bytes that were given and ends behind them */
	if (offset <= s->end && s->end - offset < PART_BYTES)
		return true;
	return s->whole && chunk >= s->chunk && chunk <= max_u64(s->edge, s->chunk + 1);
}

static bool stream_strides(const struct stream *s, uint64_t offset)
{
	return s->used && s->stride && offset == s->last + (uint64_t)s->stride;
}

/* The stream that `offset` continues; else the one used longest ago, begun anew. */
static struct stream *stream_choose(struct ahead *ahead, uint64_t chunk, uint64_t offset)
{
	struct stream *oldest = &ahead->stream[0];
	struct stream *newest = &ahead->stream[0];
	uint64_t before, used;

	for (int i = 0; i < AHEAD_STREAMS; i++) {
		struct stream *s = &ahead->stream[i];

		if (stream_continues(s, chunk, offset) || stream_strides(s, offset))
			return s;
		if (s->used < oldest->used)
			oldest = s;
		if (s->used > newest->used)
			newest = s;
	}
	before = newest->last;
	used = newest->used; /* `newest` may be the oldest, too */
	memset(oldest, 0, sizeof(*oldest));
	oldest->stride = used ? (int64_t)(offset - before) : 0;
	return oldest;
}

/* Sequential: the window grows with every chunk boundary that is crossed. */
static void stream_run(const struct rawcache *cache, struct stream *s, const struct want *want,
		       uint32_t max)
{
	uint64_t more = div_up(want->more, cache->chunk_bytes);

	if (want->chunk > s->chunk)
		s->window = s->window ? s->window * 2 : WINDOW_FIRST;
	s->window = (uint32_t)min_u64(max_u64(s->window, more), max);
}

static void plan_window(const struct stream *s, uint64_t chunks, uint64_t chunk, struct plan *plan)
{
	uint64_t first = max_u64(s->edge, chunk + 1);
	uint64_t end = min_u64(chunk + 1 + s->window, chunks);

	/* in bursts: one set of system calls serves several reads */
	if (first >= end || (end != chunks && end - first < (s->window + 3) / 4))
		return;
	plan->first = first;
	plan->count = (uint32_t)(end - first);
	plan->step = 1;
}

static void plan_strides(const struct rawcache *cache, struct stream *s, uint64_t chunks,
			 uint32_t max, struct plan *plan)
{
	int64_t step = s->stride / (int64_t)cache->chunk_bytes;

	/* only if a stride is a whole number of chunks */
	if (!step || s->stride % (int64_t)cache->chunk_bytes)
		return;
	s->window = (uint32_t)min_u64(s->window ? s->window * 2 : 1, max);
	plan->first = s->chunk + (uint64_t)step;
	plan->step = step;
	while (plan->count < s->window && plan->first + (uint64_t)(plan->count * step) < chunks)
		plan->count++;
}

/* Another process read ahead so far: this reader came here through chunks that were stored. */
static bool came_along(const struct file *file, const struct want *want)
{
	const struct chunk *before = want->chunk ? file_chunk(file, want->chunk - 1) : NULL;

	return before && (load_relaxed(&before->place) & CHUNK_VALID) && want->skip < PART_BYTES;
}

enum pattern { PATTERN_RANDOM, PATTERN_STRIDED, PATTERN_SEQUENTIAL };

static enum pattern stream_classify(const struct rawcache *cache, const struct file *file,
				    struct stream *s, const struct want *want, uint64_t offset)
{
	if (stream_continues(s, want->chunk, offset) || came_along(file, want))
		return PATTERN_SEQUENTIAL;
	if (stream_strides(s, offset))
		s->strides++;
	if (s->strides < STRIDES_SURE)
		return PATTERN_RANDOM;
	/* short strides touch every chunk */
	return (uint64_t)llabs(s->stride) < cache->chunk_bytes ? PATTERN_SEQUENTIAL :
								 PATTERN_STRIDED;
}

/* Update the stream for a read at `offset`. */
static void stream_advance(struct stream *s, const struct want *want, uint64_t offset)
{
	s->chunk = want->chunk;
	s->last = offset;
	s->end = offset + want->length;
	s->edge = max_u64(s->edge, want->chunk + 1);
}

static void stream_note(const struct rawcache *cache, const struct file *file, struct stream *s,
			const struct want *want, struct plan *plan)
{
	uint64_t offset = want_offset(cache, want);
	uint64_t chunks = div_up(file->size, cache->chunk_bytes);
	uint32_t max = file->ahead.advice == POSIX_FADV_RANDOM ? 0 : window_max(cache);
	bool told = file->ahead.advice == POSIX_FADV_SEQUENTIAL;
	enum pattern pattern = stream_classify(cache, file, s, want, offset);
	bool sequential = pattern == PATTERN_SEQUENTIAL;

	plan->ordered = sequential || want->more || told;
	if (sequential || want->more)
		stream_run(cache, s, want, max);
	if (told)
		s->window = max;
	s->whole = sequential || !offset || plan->whole;
	plan->whole = s->whole;
	stream_advance(s, want, offset);
	if (s->whole && pattern == PATTERN_STRIDED)
		plan_strides(cache, s, chunks, max, plan);
	else if (s->whole && s->window)
		plan_window(s, chunks, want->chunk, plan);
}

void ahead_note(const struct rawcache *cache, struct file *file, const struct want *want,
		struct plan *plan)
{
	struct ahead *ahead = &file->ahead;
	struct stream *s;

	memset(plan, 0, sizeof(*plan));
	plan->whole = want->length > PART_WANT_MAX || want->more ||
		      file->size <= (uint64_t)SMALL_CHUNKS * cache->chunk_bytes;
	if (!ahead_enter(ahead))
		return;
	s = stream_choose(ahead, want->chunk, want_offset(cache, want));
	stream_note(cache, file, s, want, plan);
	s->used = ++ahead->order;
	ahead_leave(ahead);
}

void ahead_gave(struct file *file, uint64_t from, uint64_t to)
{
	struct ahead *ahead = &file->ahead;

	if (!ahead_enter(ahead))
		return;
	for (int i = 0; i < AHEAD_STREAMS; i++)
		if (ahead->stream[i].used && ahead->stream[i].last >= from &&
		    ahead->stream[i].last < to && ahead->stream[i].used == ahead->order)
			ahead->stream[i].end = to;
	ahead_leave(ahead);
}

void ahead_started(struct file *file, const struct plan *plan, uint32_t passed, uint32_t started)
{
	struct ahead *ahead = &file->ahead;

	store_relaxed(&ahead->live, started != 0);
	if (plan->step != 1 || !ahead_enter(ahead))
		return;
	for (int i = 0; i < AHEAD_STREAMS; i++)
		if (ahead->stream[i].used == ahead->order)
			ahead->stream[i].edge = plan->first + passed;
	ahead_leave(ahead);
}
