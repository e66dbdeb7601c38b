/* SPDX-License-Identifier: MIT */
/* Advice of programs about their reading, and their questions about it. */
#include <fcntl.h>

#include <rawcache/file.h>

#include "base/checked.h"
#include "base/fault_mask.h"
#include "core/space/extent.h"
#include "core/fill/fill.h"
#include "core/index/parts.h"
#include "core/shared/storage.h"
#include "core/shared/slot.h"

static void advise_need(struct rawcache *cache, struct file *file, int fd, uint64_t offset,
			uint64_t len)
{
	uint64_t end = len && len < file->size - offset ? offset + len : file->size;
	uint64_t first = offset / cache->chunk_bytes;

	if (!storage_probe(cache) || cache->image.read_only || cache_slot_need(cache))
		return;
	fill_ahead(cache, file, fd, first, (end - 1) / cache->chunk_bytes - first + 1);
}

void rawcache_file_advise(struct rawcache *cache, uint64_t handle, int fd, uint64_t offset,
			  uint64_t len, int advice)
{
	struct file *file = file_at(cache, handle);
	struct fault_window window;

	if (!file || !file_hold(cache, file, handle))
		return;
	fault_window_open(&window);
	if (advice == POSIX_FADV_WILLNEED && offset < file->size)
		advise_need(cache, file, fd, offset, len);
	else if (advice == POSIX_FADV_NORMAL || advice == POSIX_FADV_RANDOM ||
		 advice == POSIX_FADV_SEQUENTIAL)
		store_relaxed(&file->ahead.advice, (uint32_t)advice);
	fault_window_close(&window);
	file_release(cache, file);
}

/* The bytes [from, to) of a file, and how many of them are cached. */
struct cached {
	uint64_t from, to;
	uint64_t chunk_start;
	uint64_t bytes;
};

static bool extent_cached(void *arg, const struct chunk_extent *extent)
{
	struct cached *cached = arg;
	uint64_t start = cached->chunk_start + extent->skip;
	uint64_t bytes = extent->whole ? extent->found.length : extent->length;
	uint64_t low = max_u64(cached->from, start);
	uint64_t high = min_u64(cached->to, start + bytes);

	cached->bytes += low < high ? high - low : 0;
	return extent->whole;
}

uint64_t rawcache_file_cached(struct rawcache *cache, uint64_t handle, uint64_t offset,
			      uint64_t len)
{
	struct file *file = file_at(cache, handle);
	struct fault_window window;
	struct cached cached = { .from = offset };

	if (!file || !file_hold(cache, file, handle))
		return 0;
	cached.to = offset < file->size ? offset + min_u64(len, file->size - offset) : offset;
	fault_window_open(&window);
	for (uint64_t chunk = offset / cache->chunk_bytes; chunk * cache->chunk_bytes < cached.to;
	     chunk++) {
		cached.chunk_start = chunk * cache->chunk_bytes;
		chunk_each_extent(cache, &file->key, file->size, chunk, extent_cached, &cached);
	}
	fault_window_close(&window);
	file_release(cache, file);
	return cached.bytes;
}
