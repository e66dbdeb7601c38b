/* SPDX-License-Identifier: MIT */
/* A miss whose flight is ours: read the origin, give the program its bytes, keep the chunk or parts of it. */
#include <errno.h>

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
#include "core/image/key.h"
#include "core/origin/io.h"
#include "core/shared/cache.h"

/* What a demanded chunk is read in, so that waiters in other processes see it arrive. */
#define PIECE_BYTES (128u << 10)

/* --- whole chunks */

uint32_t number_of(const struct rawcache *cache, const struct want *want)
{
	return want->aside ? NUMBER_OWN : number_now(cache, want->fd);
}

bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before)
{
	return want->aside || number_same(cache, want->fd, before);
}

/* Read the chunk, piece by piece; the program and waiters get theirs as it comes. */
static ssize_t chunk_read(struct rawcache *cache, const struct key *key, const struct want *want,
			  uint32_t number, char *buf, uint32_t length)
{
	uint64_t offset = want->chunk * cache->chunk_bytes;
	uint32_t have = 0;

	while (have < length) {
		uint32_t n = (uint32_t)min_u64(PIECE_BYTES, length - have);
		ssize_t got = io_read_origin(want->fd, buf + have, n, offset + have);

		if (got < 0)
			return have ? (ssize_t)have : got;
		have += (uint32_t)got;
		if (got < (ssize_t)n)
			break;
		if (have < length && want_same(cache, want, number))
			chunk_show(cache, key, buf, have, length);
	}
	return have;
}

ssize_t chunk_fetch(struct rawcache *cache, struct file *file, const struct key *key,
		    const struct want *want, char **buf)
{
	uint32_t length = chunk_length(cache, file, want->chunk);
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	ssize_t got = chunk_read(cache, key, want, number, *buf, length);

	/* an error may lie outside of what the program asked for, and so may a new end */
	if (got < (ssize_t)(want->skip + want->length) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	if (!want->aside)
		stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (got != (ssize_t)length) {
		file_over(file, want->fd);
		origin_forget(cache, want, want->chunk * cache->chunk_bytes, length);
	} else if (chunk_keep(cache, file, key, want, *buf, start)) {
		*buf = NULL;
		return want->length;
	}
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

/* Fetch some parts around what is wanted; `first` and `count` say which. */
static ssize_t parts_fetch(struct rawcache *cache, struct file *file, const struct want *want,
			   const struct parts *parts, uint32_t first, uint32_t count, char **buf)
{
	uint64_t chunk_start = want->chunk * cache->chunk_bytes;
	uint32_t from = first * PART_BYTES;
	uint32_t to = (uint32_t)min_u64(from + count * PART_BYTES, parts->chunk_length);
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	ssize_t got = io_read_origin(want->fd, *buf, to - from, chunk_start + from);

	if (got < (ssize_t)(want->skip + want->length - from) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + (want->skip - from), want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (got == (ssize_t)(to - from)) {
		if (parts_keep(cache, file, want, parts, first, *buf, to - from))
			*buf = NULL;
		ahead_gave(file, chunk_start + from, chunk_start + to);
	} else {
		file_over(file, want->fd);
	}
	origin_forget(cache, want, chunk_start + from, to - from);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

/* Read the parts that are missing between those that are there. */
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

/* The rest of a chunk of which much is there: store it whole. */
static ssize_t parts_merge(struct rawcache *cache, struct file *file, const struct key *key,
			   const struct want *want, const struct parts *parts, char **buf)
{
	uint64_t offset = want->chunk * cache->chunk_bytes;
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	uint32_t have = parts_gather(cache, parts, *buf);

	if (!parts_complete(parts, have, want->fd, offset, *buf) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (merged_keep(cache, file, key, want, *buf, parts->chunk_length))
		*buf = NULL;
	CRASH_POINT(part_stored);
	name_store(cache, file, want->fd);
	parts_remove(cache, parts);
	origin_forget(cache, want, offset, parts->chunk_length);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

ssize_t parts_miss(struct rawcache *cache, struct file *file, const struct key *key,
		   const struct want *want, char **buf)
{
	uint32_t last = (want->skip + want->length - 1) / PART_BYTES;
	struct parts parts;
	uint32_t first;
	uint32_t count;
	uint32_t wanted;

	parts_find(cache, file, want->chunk, 0, PARTS_MAX - 1, &parts);
	wanted = (2u << last) - (1u << want->skip / PART_BYTES);
	/* fetched between our look and our claim? */
	if ((parts.present & wanted) == wanted)
		return -EAGAIN;
	count = parts_choose(&parts, want, &first);
	if (count == parts.count)
		return parts_merge(cache, file, key, want, &parts, buf);
	return parts_fetch(cache, file, want, &parts, first, count, buf);
}
