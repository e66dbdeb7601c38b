/* SPDX-License-Identifier: MIT */
/*
 * A miss whose flight we own: read the origin, give the program its bytes, keep the chunk or parts of it if
 * the file was the same before and after (INV-4).
 */
#include <errno.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/guard.h"
#include "base/stats.h"
#include "core/fill/ahead.h"
#include "core/fill/fill.h"
#include "core/fill/fill_steps.h"
#include "core/fill/name.h"
#include "core/fill/part.h"
#include "core/origin/io.h"
#include "core/space/extent.h"

/* A chunk is read in pieces of this size, so that waiters in other processes get theirs early. */
#define PIECE_BYTES (128u << 10)

/* Must be called before the first byte is read. */
static void miss_begin(struct miss *m)
{
	m->start = clock_mono_ns();
	m->number = number_of(m->cache, m->want);
	m->same = file_unchanged(m->file, m->want->fd);
}

/*
 * The buffer has the bytes from `skip` bytes into the chunk on; `enough`: all that the program wants.
 * Returns true if the program has its bytes and the chunk may be kept; otherwise *result is what the read
 * returns.
 */
static bool miss_deliver(const struct miss *m, bool enough, uint32_t skip, ssize_t *result)
{
	const struct want *want = m->want;

	/* an error, or a new end of the file, may lie outside of what the program asked for */
	if (!enough || !want_same(m->cache, want, m->number)) {
		*result = MISS_BYPASS;
		return false;
	}
	if (!m->same || !file_unchanged(m->file, want->fd)) {
		*result = fill_stale(m->file, want->fd);
		return false;
	}
	if (!want->background)
		stats_latency(miss_latency, clock_mono_ns() - m->start);
	if (guard_copy(want->buf, m->buf + (want->skip - skip), want->length)) {
		*result = -EFAULT;
		return false;
	}
	stats_add(miss_bytes, want->length);
	*result = want->length;
	return true;
}

static void miss_end(const struct miss *m)
{
	stats_latency(fill_latency, clock_mono_ns() - m->start);
}

/* --- whole chunks */

/* Read the chunk piece by piece; waiters get their bytes as they arrive. */
static ssize_t chunk_read(struct miss *m)
{
	uint32_t have = 0;

	while (have < m->length) {
		uint32_t n = (uint32_t)min_u64(PIECE_BYTES, m->length - have);
		ssize_t got = io_read_origin(m->want->fd, m->buf + have, n, m->at + have);

		if (got < 0)
			return have ? (ssize_t)have : got;
		have += (uint32_t)got;
		if (got < (ssize_t)n)
			break;
		if (have < m->length && want_same(m->cache, m->want, m->number))
			chunk_show(m, have);
	}
	return have;
}

static ssize_t chunk_fetch(struct miss *m)
{
	const struct want *want = m->want;
	struct tier_wait wait;
	ssize_t result;
	ssize_t got;

	miss_begin(m);
	m->tier = want->background ? &wait : NULL;
	got = m->tier ? background_read(m, chunk_read) : chunk_read(m);
	if (!miss_deliver(m, got >= (ssize_t)(want->skip + want->length), 0, &result)) {
		background_end(m, false);
		return result;
	}
	if (got != (ssize_t)m->length) {
		file_over(m->file, want->fd);
		origin_forget(m->cache, want, m->at, m->length);
	} else {
		chunk_keep(m);
	}
	background_end(m, false);
	if (m->buf)
		miss_end(m);
	return result;
}

/* --- parts */

/* Fetch `count` parts from `first` on, which include the wanted ones. */
static ssize_t parts_fetch(struct miss *m, const struct parts *parts, uint32_t first,
			   uint32_t count)
{
	const struct want *want = m->want;
	uint32_t from = first * PART_BYTES;
	uint32_t to = (uint32_t)min_u64(from + count * PART_BYTES, parts->chunk_length);
	ssize_t result;
	ssize_t got;

	miss_begin(m);
	got = io_read_origin(want->fd, m->buf, to - from, m->at + from);
	if (!miss_deliver(m, got >= (ssize_t)(want->skip + want->length - from), from, &result))
		return result;
	if (got == (ssize_t)(to - from)) {
		parts_keep(m, parts, first, to - from);
		ahead_gave(m->file, m->at + from, m->at + to);
	} else {
		file_over(m->file, want->fd);
	}
	origin_forget(m->cache, want, m->at + from, to - from);
	miss_end(m);
	return result;
}

/* Read the parts that are missing between those that are stored. */
static bool parts_complete(const struct parts *parts, uint32_t have, int fd, uint64_t offset,
			   char *buf)
{
	for (uint32_t i = 0; i < parts->count;) {
		uint32_t end = i;
		uint32_t n = 0;

		while (end < parts->count && !(have & 1u << end))
			n += part_length(parts, end++);
		if (n && io_read_origin(fd, buf + i * PART_BYTES, n, offset + i * PART_BYTES) !=
				 (ssize_t)n)
			return false;
		i = end + 1;
	}
	return true;
}

/* Much of the chunk is stored as parts: read the rest, and store the chunk as a whole. */
static ssize_t parts_merge(struct miss *m, const struct parts *parts)
{
	const struct want *want = m->want;
	ssize_t result;
	uint32_t have;
	bool all;

	miss_begin(m);
	have = parts_gather(m->cache, parts, m->buf);
	all = parts_complete(parts, have, want->fd, m->at, m->buf);
	if (!miss_deliver(m, all, 0, &result))
		return result;
	merged_keep(m);
	CRASH_POINT(part_stored);
	name_store(m->cache, m->file, want->fd);
	parts_remove(m->cache, parts);
	origin_forget(m->cache, want, m->at, parts->chunk_length);
	miss_end(m);
	return result;
}

static ssize_t parts_miss(struct miss *m)
{
	const struct want *want = m->want;
	uint32_t last = (want->skip + want->length - 1) / PART_BYTES;
	uint32_t wanted = (2u << last) - (1u << want->skip / PART_BYTES);
	struct parts parts;
	uint32_t first;
	uint32_t count;

	parts_find(m->cache, m->file, want->chunk, 0, PARTS_MAX - 1, &parts);
	/* were they fetched between our look and our claim? */
	if ((parts.present & wanted) == wanted)
		return -EAGAIN;
	count = parts_choose(&parts, want, &first);
	return count == parts.count ? parts_merge(m, &parts) : parts_fetch(m, &parts, first, count);
}

ssize_t miss_own(struct miss *m)
{
	ssize_t n;

	m->buf = buffer_get();
	if (!m->buf) {
		extent_failed(m->cache, -ENOMEM);
		return MISS_BYPASS;
	}
	n = m->plan.whole ? chunk_fetch(m) : parts_miss(m);
	buffer_put(m->buf);
	return n;
}
