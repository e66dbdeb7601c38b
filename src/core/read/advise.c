/* SPDX-License-Identifier: MIT */
/* What programs say about their reading, and what they ask about it. */
#include <fcntl.h>

#include <rawcache/file.h>

#include "base/checked.h"
#include "base/guard.h"
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
	struct guard_window window;

	if (!file || !file_hold(cache, file, handle))
		return;
	guard_open(&window);
	if (advice == POSIX_FADV_WILLNEED && offset < file->size)
		advise_need(cache, file, fd, offset, len);
	else if (advice == POSIX_FADV_NORMAL || advice == POSIX_FADV_RANDOM ||
		 advice == POSIX_FADV_SEQUENTIAL)
		store_relaxed(&file->ahead.advice, (uint32_t)advice);
	guard_close(&window);
	file_release(cache, file);
}

static uint64_t overlap(uint64_t from, uint64_t to, uint64_t start, uint64_t n)
{
	uint64_t low = max_u64(from, start);
	uint64_t high = min_u64(to, start + n);

	return low < high ? high - low : 0;
}

static uint64_t chunk_cached(struct rawcache *cache, const struct file *file, uint64_t chunk,
			     uint64_t from, uint64_t to)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, chunk);
	uint64_t start = chunk * cache->chunk_bytes;
	uint64_t cached = 0;
	struct found found;
	struct parts parts;

	if (index_find(cache, &key, &found))
		return overlap(from, to, start, found.length);
	parts_count(cache, &file->key, file->size, chunk, &parts);
	for (uint32_t i = 0; i < parts.count; i++)
		if (parts.present & 1u << i)
			cached += overlap(from, to, start + i * PART_BYTES, part_length(&parts, i));
	return cached;
}

uint64_t rawcache_file_cached(struct rawcache *cache, uint64_t handle, uint64_t offset,
			      uint64_t len)
{
	struct file *file = file_at(cache, handle);
	struct guard_window window;
	uint64_t cached = 0;
	uint64_t end;

	if (!file || !file_hold(cache, file, handle))
		return 0;
	end = offset < file->size ? offset + min_u64(len, file->size - offset) : offset;
	guard_open(&window);
	for (uint64_t at = offset; at < end; at = (at / cache->chunk_bytes + 1) * cache->chunk_bytes)
		cached += chunk_cached(cache, file, at / cache->chunk_bytes, offset, end);
	guard_close(&window);
	file_release(cache, file);
	return cached;
}
