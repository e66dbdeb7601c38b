/* SPDX-License-Identifier: MIT */
#include "core/read/disk_stream.h"

#include "base/checked.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/origin/file.h"
#include "core/fill/fill.h"
#include "core/index/index.h"
#include "core/read/chunk.h"

#define WINDOW_BYTES_MAX (UINT64_C(8) << 20) /* keeps a disk of 2 GB/s busy for 4 ms */
/* after one slow read, this much of the file behind it counts as cold */
#define STREAM_BYTES (UINT64_C(16) << 20)
/* A read out of memory takes less than this: a system call, and 2 GB/s. */
#define MEMORY_NS(n) (10000 + (uint64_t)(n) / 2)

/* Reads smaller than a page are not all seen here. */
static bool goes_on(const struct file *file, uint64_t offset)
{
	return offset - load_relaxed(&file->disk_stream.next) < FORMAT_PAGE;
}

bool disk_stream_in_order(const struct rawcache *cache, const struct file *file,
			  const struct want *want)
{
	/* reads in between that were served by the page tables were not noted */
	return want_offset(cache, want) - load_relaxed(&file->disk_stream.next) <=
	       cache->chunk_bytes;
}

/* Where a chunk lies, verified or not: it is only read ahead. */
static bool chunk_where(struct rawcache *cache, const struct file *file, uint64_t number,
			struct found *found)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, number);

	return index_find(cache, &key, found);
}

/*
 * Ask the kernel to read the extents of chunks [first, end), except those that continue their predecessor:
 * the kernel reads on there by itself, into larger folios than it makes when it is asked.
 */
static void extents_ask(struct rawcache *cache, const struct file *file, uint64_t first,
			uint64_t end)
{
	uint64_t chunks = div_up(load_relaxed(&file->size), cache->chunk_bytes);
	uint32_t pages = cache->chunk_bytes >> FORMAT_PAGE_SHIFT;
	struct found before = { 0 };
	bool known = first && chunk_where(cache, file, first - 1, &before);

	for (uint64_t i = first; i < chunks && i < end; i++) {
		struct found found;

		if (!chunk_where(cache, file, i, &found)) {
			known = false;
			continue;
		}
		if (!known || found.page != before.page + pages)
			sys_fadvise(cache->image.fd, image_offset(&cache->image, found.page),
				    found.length, POSIX_FADV_WILLNEED);
		before = found;
		known = true;
	}
}

/* Whether the bytes at `ahead` bytes behind are not in memory. */
static bool disk_stream_later(struct rawcache *cache, const struct file *file, uint64_t offset,
			      uint64_t ahead)
{
	uint64_t later = min_u64(offset + ahead, load_relaxed(&file->size) - 1);
	struct found found;
	unsigned char in_core = 1;

	if (!cache->image.data || !chunk_where(cache, file, later / cache->chunk_bytes, &found))
		return false;
	return !unusual_mincore(cache->image.data + ((uint64_t)found.page << FORMAT_PAGE_SHIFT),
				FORMAT_PAGE, &in_core) &&
	       !(in_core & 1);
}

bool disk_stream_is(struct rawcache *cache, struct file *file, const struct want *want)
{
	uint64_t offset = want_offset(cache, want);
	uint64_t until = load_relaxed(&file->disk_stream.until);

	if (!until || !goes_on(file, offset))
		return false;
	if (offset < until)
		return true;
	until = disk_stream_later(cache, file, offset, STREAM_BYTES) ? offset + STREAM_BYTES : 0;
	store_relaxed(&file->disk_stream.until, until);
	return until;
}

/*
 * Whether a slow read waited for the disk, and not for a busy machine: in the first case the bytes that the
 * kernel has not read ahead yet are not in memory. For a read-only image the kernel does not tell.
 */
static bool disk_was_slow(struct rawcache *cache, const struct file *file, uint64_t end)
{
	if (end >= load_relaxed(&file->size))
		return false; /* there are no bytes behind it */
	return cache->image.read_only || !cache->image.data ||
	       disk_stream_later(cache, file, end, STREAM_BYTES / 16) ||
	       disk_stream_later(cache, file, end, STREAM_BYTES / 4) ||
	       disk_stream_later(cache, file, end, STREAM_BYTES);
}

void disk_stream_note(struct rawcache *cache, struct file *file, const struct want *want,
		      uint64_t length, uint64_t ns)
{
	struct disk_stream *stream = &file->disk_stream;
	uint64_t offset = want_offset(cache, want);
	bool slow = ns > MEMORY_NS(length) && disk_was_slow(cache, file, offset + length);
	bool in_order = goes_on(file, offset);
	uint64_t chunk = (offset + length) / cache->chunk_bytes;
	uint64_t window;
	uint64_t first;

	store_relaxed(&stream->next, offset + length);
	if (slow)
		store_relaxed(&stream->until, offset + STREAM_BYTES);
	else if (!in_order)
		store_relaxed(&stream->until, 0);
	if (!in_order) {
		store_relaxed(&stream->window, 0);
		store_relaxed(&stream->edge, chunk);
		return;
	}
	first = max_u64(load_relaxed(&stream->edge), chunk + 1);
	window = load_relaxed(&stream->window);
	/* when the reader comes near the end of what was asked for */
	if (offset >= load_relaxed(&stream->until) || first > chunk + window / 2)
		return;
	window = min_u64(window * 2 + 1, WINDOW_BYTES_MAX / cache->chunk_bytes);
	store_relaxed(&stream->window, (uint32_t)window);
	store_relaxed(&stream->edge, chunk + 1 + window);
	extents_ask(cache, file, first, chunk + 1 + window);
}
