/* SPDX-License-Identifier: MIT */
#include "core/cold.h"

#include "base/checked.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/file.h"
#include "core/fill.h"
#include "core/index.h"

#define WINDOW_BYTES_MAX (UINT64_C(8) << 20)
#define STREAM_BYTES (UINT64_C(16) << 20) /* after one slow read, as much of the file counts as cold */
/* A read out of memory takes less: the call, and 2 GB/s. */
#define MEMORY_NS(n) (10000 + (uint64_t)(n) / 2)

/*
 * Ask for the extents of `count` chunks behind one that lies at `page`; verified or not, they are
 * only read. Not for those that continue their predecessor: the kernel goes on there by itself, and
 * with larger folios than it makes when it is asked.
 */
static void extents_ask(struct rawcache *cache, const struct file *file, uint64_t after,
			uint64_t count, uint32_t page)
{
	uint64_t chunks = (load_relaxed(&file->size) + cache->chunk_bytes - 1) / cache->chunk_bytes;
	uint32_t pages = cache->chunk_bytes >> FORMAT_PAGE_SHIFT;

	for (uint64_t i = after + 1; i < chunks && i <= after + count; i++) {
		const struct chunk *chunk = file_chunk(file, i);
		uint64_t place = chunk ? load_relaxed(&chunk->place) : 0;
		struct key key;
		struct found found;

		if (place && load_relaxed(&chunk->resident)) {
			page = CHUNK_PAGE(place);
			continue;
		}
		key = key_of_chunk(&cache->image.sb, &file->key, i);
		if (!index_find(cache, &key, &found))
			continue;
		if (found.page != page + pages)
			sys_fadvise(cache->image.fd, image_offset(&cache->image, found.page),
				    found.length, POSIX_FADV_WILLNEED);
		page = found.page;
	}
}

void cold_request(struct rawcache *cache, struct file *file, const struct want *want, uint64_t place)
{
	extents_ask(cache, file, want->chunk,
		    (want->more + cache->chunk_bytes - 1) / cache->chunk_bytes, CHUNK_PAGE(place));
}

bool cold_stream(const struct file *file, uint64_t chunk)
{
	return chunk < load_relaxed(&file->cold.until) &&
	       chunk - load_relaxed(&file->cold.chunk) <= 1;
}

void cold_note(struct rawcache *cache, struct file *file, const struct want *want, uint64_t ns)
{
	struct cold *cold = &file->cold;
	uint64_t chunk = want->chunk;
	uint64_t before = load_relaxed(&cold->chunk);
	uint64_t edge = load_relaxed(&cold->edge);
	const struct chunk *seen;
	uint64_t window;

	if (chunk == before && edge > chunk)
		return;
	store_relaxed(&cold->chunk, chunk);
	if (chunk != before + 1) {
		store_relaxed(&cold->window, 0);
		store_relaxed(&cold->edge, chunk + 1);
		store_relaxed(&cold->until, 0);
		return;
	}
	if (ns > MEMORY_NS(want->length))
		store_relaxed(&cold->until, chunk + STREAM_BYTES / cache->chunk_bytes);
	else if (chunk >= load_relaxed(&cold->until))
		return;
	window = min_u64(load_relaxed(&cold->window) * UINT64_C(2) + 1,
			 WINDOW_BYTES_MAX / cache->chunk_bytes);
	edge = max_u64(edge, chunk + 1);
	seen = file_chunk(file, edge - 1);
	store_relaxed(&cold->window, (uint32_t)window);
	store_relaxed(&cold->edge, chunk + 1 + window);
	extents_ask(cache, file, edge - 1, chunk + 1 + window - edge,
		    seen ? CHUNK_PAGE(load_relaxed(&seen->place)) : 0);
}
