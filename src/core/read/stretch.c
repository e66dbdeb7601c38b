/* SPDX-License-Identifier: MIT */
/* Reads of several chunks by one system call. */
#include "core/read/stretch.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "core/fill/fill.h"
#include "core/image/format.h"
#include "core/image/place.h"
#include "core/read/disk_stream.h"
#include "core/read/pass.h"
#include "core/read/read_hot.h"
#include "core/read/file_run.h"
#include "core/read/resident.h"
#include "core/read/unmapped.h"
#include "core/shared/cache.h"

bool piece_seen(const struct file *file, const struct want *want)
{
	const struct chunk *chunk = file_chunk(file, want->chunk);

	return chunk && load_relaxed(&chunk->resident);
}

/* Note that they were read, so that the next read of them is a second one. */
static void stretch_seen(const struct rawcache *cache, const struct file *file,
			 const struct want *want, uint64_t length)
{
	uint32_t skip = want->skip;

	for (uint64_t i = want->chunk; length; i++) {
		uint32_t n = (uint32_t)min_u64(length, cache->chunk_bytes - skip);
		struct chunk *chunk = file_chunk(file, i);

		if (chunk)
			chunk_seen(chunk, skip, n);
		length -= n;
		skip = 0;
	}
}

ssize_t never_inline stretch_read(struct rawcache *cache, struct file *file,
				  const struct want *want, const struct key *key)
{
	struct want all = *want;
	bool pass = pass_reads(cache, file, want);
	bool stream = disk_stream_is(cache, file, want);
	uint64_t start = clock_mono_ns();
	struct run run;
	uint64_t place;
	ssize_t n;

	if (!cache->image.data || load_relaxed(&cache->broken) || load_relaxed(&file->ahead.live) ||
	    run_find_from(cache, file, want->chunk * cache->chunk_bytes + want->skip,
			  want->length + want->more, key, &run) ||
	    run.length <= want->length)
		return -EAGAIN;
	place = chunk_place((uint32_t)((run.at - want->skip) >> FORMAT_PAGE_SHIFT), run.generation);
	if (!pass && !stream &&
	    (cache->image.read_only || chunk_in_core(cache, place, cache->chunk_bytes)))
		return -EAGAIN;
	all.length = (uint32_t)run.length;
	n = place_pread(cache, place, &all);
	if (n <= 0)
		return -EAGAIN;
	if (!stream && !resident_full(cache))
		stretch_seen(cache, file, want, (uint64_t)n);
	disk_stream_note(cache, file, want, (uint64_t)n, clock_mono_ns() - start);
	return n;
}
