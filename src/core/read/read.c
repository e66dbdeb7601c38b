/* SPDX-License-Identifier: MIT */
/*
 * One read, from the top:
 *
 *	rawcache_file_read	handle -> object, clip to the file, split into chunks
 *	read_piece		chunk memo -> generation -> hot_copy; else, with a reference:
 *	hot_copy (read_hot.h)	copy -> generation again
 *	read_held		everything that is not hot
 *	stretch_read		more chunks than one, side by side on the disk, by one call (stretch.c)
 *	unmapped_read		known place, but not seen in memory yet: into the page tables, or
 *				pread from the image (unmapped.c, copy_policy.h)
 *	chunk_locate (chunk.c)	index -> generation -> TTL -> verification -> chunk memo
 *	parts_read (part.c)	the chunk is not there, but perhaps the part of it
 *	fill_chunk (fill.c)	the miss: the path leaves here, and only here
 *
 * A copy from a region that is recycled meanwhile is discarded: the generation is compared
 * before (acquire) and after (acquire fence, then the load); the recycler bumps it, with a full
 * fence, before anything is overwritten. The same look covers the object's serial number. What
 * is learned about a chunk is written down only with a reference of the object: without one its
 * table may have become another file's in the meantime.
 */
#include <errno.h>

#include <rawcache/file.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/fault_mask.h"
#include "base/stats.h"
#include "core/fill/fill.h"
#include "core/fill/part.h"
#include "core/image/key.h"
#include "core/image/place.h"
#include "core/index/verify.h"
#include "core/read/chunk.h"
#include "core/read/read_hot.h"
#include "core/read/stretch.h"
#include "core/read/unmapped.h"
#include "core/read/copy_policy.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"

#define FILL_TRIES 8 /* each is after another process has stored the chunk, and it was recycled */
#define READ_MAX 0x7ffff000u /* as in the kernel */
#define SAMPLE_MASK 63u	     /* one hit in 64 is timed */
#define TIMED_MIN 16384u     /* a copy of this size is worth two reads of the counter */

/*
 * A copy was slow. If it waited for the disk, the page cache has dropped pages, and the chunk counts as cold again.
 * That is written with a reference, because without one the table's memory may be in other use by now.
 */
static never_inline void chunk_was_slow(struct rawcache *cache, struct file *file, uint64_t handle,
					struct chunk *chunk)
{
	if (!copy_policy_waited() || !file_hold(cache, file, handle))
		return;
	store_relaxed(&chunk->resident, 0);
	file_release(cache, file);
}

/*
 * A copy that is long enough to be timed. (A short copy faults in one page, which costs as much as pread().)
 */
static ssize_t hot_copy_timed(struct rawcache *cache, struct file *file, uint64_t handle,
			      struct chunk *chunk, uint64_t place, const struct want *want)
{
	uint64_t start = clock_ticks();
	ssize_t n = hot_copy(cache, place, want);

	if (unlikely(copy_policy_slow(&cache->copy_costs, want->length, clock_ticks() - start)))
		chunk_was_slow(cache, file, handle, chunk);
	return n;
}

static ssize_t read_parts(struct rawcache *cache, const struct file *file, const struct want *want)
{
	ssize_t n = parts_read(cache, file, want);

	return n == -EAGAIN ? READ_MISS : n;
}

/*
 * One round for the piece of one chunk, whose key is `key`. Returns bytes, -errno, READ_STALE or READ_MISS.
 */
static ssize_t read_round(struct rawcache *cache, struct file *file, struct chunk *chunk,
			  const struct want *want, const struct key *key)
{
	uint64_t place = chunk ? load_acquire(&chunk->place) : 0;
	uint64_t mask = pages_mask(want->skip, want->length);

	if (unlikely(load_relaxed(&cache->broken)))
		return READ_MISS;
	if (!place_current(&cache->image, place, want->skip + want->length)) {
		bool first = !(place & CHUNK_FRESH) || place == CHUNK_FRESH;

		place = chunk_locate(cache, file, want->chunk, key, want->skip,
				     want->skip + want->length);
		if (!place)
			return read_parts(cache, file, want);
		if (first && load_relaxed(&file->ahead.live))
			fill_touch(cache, file, want);
	}
	if (chunk && cache->image.data && (load_relaxed(&chunk->resident) & mask) == mask) {
		if (want->length >= TIMED_MIN)
			return hot_copy_timed(cache, file, file_handle(file), chunk, place, want);
		return hot_copy(cache, place, want);
	}
	return unmapped_read(cache, file, place, want);
}

/* Rounds until the bytes are there, or are known to be missing. */
static ssize_t read_rounds(struct rawcache *cache, struct file *file, const struct want *want,
			   const struct key *key)
{
	ssize_t n = READ_STALE;

	for (int tries = 0; tries < STALE_TRIES && n == READ_STALE; tries++) {
		n = read_round(cache, file, file_chunk(file, want->chunk), want, key);
		if (unlikely(n == READ_STALE))
			stats_add(stale_retries, 1);
	}
	return n == READ_STALE ? READ_MISS : n;
}

/* The piece is not cached: fetch it, or wait for the thread that does. */
static ssize_t read_miss(struct rawcache *cache, struct file *file, const struct want *want,
			 const struct key *key)
{
	ssize_t n = -EAGAIN;

	stats_add(misses, 1);
	for (int tries = 0; tries < FILL_TRIES && n == -EAGAIN; tries++) {
		n = fill_chunk(cache, file, want, key);
		if (n != -EAGAIN)
			break;
		n = read_rounds(cache, file, want, key);
		if (n == READ_MISS)
			n = -EAGAIN;
		else if (n > 0) /* it was a miss, but its bytes came from the cache after all */
			stats_add(hit_bytes, (uint64_t)n);
	}
	return n == -EAGAIN ? fill_bypass(cache, file, want) : n;
}

/*
 * All reads that are not hot: of the piece, or of more that lies behind it. Holds a reference, which keeps the object
 * this file's.
 */
static ssize_t never_inline read_held(struct rawcache *cache, struct file *file, uint64_t handle,
				      const struct want *want)
{
	struct key key;
	ssize_t n = -EAGAIN;

	if (!file_hold(cache, file, handle))
		return -ESTALE;
	key = key_of_chunk(&cache->image.sb, &file->key, want->chunk);
	if (want->more && !piece_seen(file, want))
		n = stretch_read(cache, file, want, &key);
	if (n == -EAGAIN)
		n = read_rounds(cache, file, want, &key);
	if (n >= 0)
		hit_count((uint64_t)n);
	else if (n == READ_MISS)
		n = read_miss(cache, file, want, &key);
	file_release(cache, file);
	return n;
}

static ssize_t read_piece(struct rawcache *cache, struct file *file, uint64_t handle,
			  const struct want *want)
{
	struct chunk *chunk = file_chunk(file, want->chunk);
	uint64_t mask = pages_mask(want->skip, want->length);
	uint64_t place = chunk ? load_acquire(&chunk->place) : 0;
	ssize_t n;

	if (unlikely(!place_current(&cache->image, place, want->skip + want->length) ||
		     (load_relaxed(&chunk->resident) & mask) != mask || !cache->image.data ||
		     load_relaxed(&cache->broken)))
		return read_held(cache, file, handle, want);
	n = want->length >= TIMED_MIN ? hot_copy_timed(cache, file, handle, chunk, place, want) :
					hot_copy(cache, place, want);
	if (unlikely(!file_is(file, handle)))
		return -ESTALE;
	if (unlikely(n < 0))
		return n == -EFAULT ? n : read_held(cache, file, handle, want);
	hit_count((uint64_t)n);
	return n;
}

/* A read that spans chunks. Bytes that were delivered before an error count. */
static ssize_t never_inline read_pieces(struct rawcache *cache, struct file *file, uint64_t handle,
					int fd, char *buf, size_t len, uint64_t offset)
{
	uint32_t number = number_now(cache, fd);
	size_t done = 0;

	while (done < len) {
		uint64_t at = offset + done;
		struct want want = { .chunk = at / cache->chunk_bytes,
				     .skip = (uint32_t)(at % cache->chunk_bytes),
				     .buf = buf + done,
				     .fd = fd };
		ssize_t n;

		want.length = (uint32_t)min_u64(len - done, cache->chunk_bytes - want.skip);
		want.more = len - done - want.length;
		n = read_piece(cache, file, handle, &want);
		if (n < 0)
			return done && n != -ESTALE ? (ssize_t)done : n;
		/* `fd` may have become another file during a miss: one read never returns bytes of two */
		if (done && number_now(cache, fd) != number)
			break;
		done += (size_t)n;
		if (n < (ssize_t)want.length)
			break;
	}
	return (ssize_t)done;
}

static ssize_t read_any(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
			void *buf, size_t len, uint64_t offset)
{
	uint32_t skip = (uint32_t)offset & (cache->chunk_bytes - 1);
	uint64_t size = load_relaxed(&file->size);

	if (unlikely(file_written(file)))
		return -ESTALE;
	if (unlikely(offset >= size || !len))
		return file_is(file, handle) ? 0 : -ESTALE;
	len = min_u64(len, min_u64(size - offset, READ_MAX));
	if (unlikely(len > cache->chunk_bytes - skip))
		return read_pieces(cache, file, handle, fd, buf, len, offset);
	return read_piece(cache, file, handle,
			  &(struct want){ .chunk = offset >> cache->chunk_shift,
					  .skip = skip,
					  .length = (uint32_t)len,
					  .buf = buf,
					  .fd = fd });
}

static inline ssize_t file_read(struct rawcache *cache, uint64_t handle, int fd, void *buf,
				size_t len, uint64_t offset)
{
	struct file *file = file_at(cache, handle);
	uint64_t start;
	uint64_t hits;
	uint64_t misses;
	ssize_t n;

	if (unlikely(!file))
		return -ESTALE;
	if (likely(stats_mine && (stats_mine->hits & SAMPLE_MASK)))
		return read_any(cache, file, handle, fd, buf, len, offset);
	if (unlikely(load_relaxed(&cache->slot) == SLOT_LATER))
		cache_slot_need(cache); /* a fork child must count where others see it */
	start = clock_mono_ns();
	hits = stats_mine ? stats_mine->hits : 0;
	misses = stats_mine ? stats_mine->misses : 0;
	n = read_any(cache, file, handle, fd, buf, len, offset);
	copy_policy_calibrate(&cache->copy_costs);
	/* a long read with both hits and misses is no hit */
	if (stats_mine && stats_mine->hits != hits && stats_mine->misses == misses)
		stats_latency(hit_latency, clock_mono_ns() - start);
	return n;
}

/* Whether bytes [skip, end) of a chunk, at most a page of them, are in the image and were seen in memory. */
static inline bool chunk_hot(const struct image *image, const struct chunk *chunk, uint64_t place,
			     uint32_t skip, uint32_t end)
{
	uint64_t resident = load_relaxed(&chunk->resident);

	return place_current(image, place, end) &&
	       (resident >> (skip >> FORMAT_PAGE_SHIFT) &
		resident >> ((end - 1) >> FORMAT_PAGE_SHIFT) & 1);
}

/*
 * The path of most small reads, in one function, for a thread that does not block the signals of faults. -EAGAIN: take
 * the long path, also for what is to be done about a fault.
 */
static inline ssize_t read_small(struct rawcache *cache, uint64_t handle, void *buf, size_t len,
				 uint64_t offset)
{
	struct file *file = file_at(cache, handle);
	uint32_t skip = (uint32_t)offset & (cache->chunk_bytes - 1);
	const struct chunk *chunk;
	uint64_t place, size;

	if (unlikely(!file || !stats_mine || !(stats_mine->hits & SAMPLE_MASK) ||
		     len - 1 >= FORMAT_PAGE || skip + len > cache->chunk_bytes ||
		     !guard_range(buf, len) || file_written(file)))
		return -EAGAIN;
	size = load_relaxed(&file->size);
	chunk = file_chunk(file, offset >> cache->chunk_shift);
	if (unlikely(offset >= size || len > size - offset || !chunk ||
		     load_relaxed(&cache->broken) || !cache->image.data))
		return -EAGAIN;
	place = load_acquire(&chunk->place);
	if (unlikely(!chunk_hot(&cache->image, chunk, place, skip, skip + (uint32_t)len) ||
		     guard_copy_open(buf, place_bytes(cache, place, skip), len) ||
		     !place_still_current(&cache->image, place) || !file_is(file, handle)))
		return -EAGAIN;
	hit_count_mapped(len);
	return (ssize_t)len;
}

/*
 * For a thread that may block the signals of faults: the window opens them for faults in the index and the
 * region table too.
 */
static never_inline ssize_t read_in_window(struct rawcache *cache, uint64_t handle, int fd,
					   void *buf, size_t len, uint64_t offset)
{
	struct fault_window window;
	ssize_t n;

	fault_window_open(&window);
	n = file_read(cache, handle, fd, buf, len, offset);
	fault_window_close(&window);
	return n;
}

ssize_t rawcache_file_read(struct rawcache *cache, uint64_t handle, int fd, void *buf, size_t len,
			   uint64_t offset)
{
	ssize_t n;

	if (unlikely(fault_mask_may_block()))
		return read_in_window(cache, handle, fd, buf, len, offset);
	n = read_small(cache, handle, buf, len, offset);
	return likely(n > 0) ? n : file_read(cache, handle, fd, buf, len, offset);
}
