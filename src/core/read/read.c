/* SPDX-License-Identifier: MIT */
/*
 * One read, from the top:
 *
 *	rawcache_file_read	handle -> object, clip to the file, split into chunks
 *	read_piece		chunk memo -> generation -> hot_copy; else, with a reference:
 *	hot_copy		copy -> generation again
 *	read_held		everything that is not hot
 *	cold_read		known place, but not seen in memory yet: into the page tables, or
 *				pread from the image (way.h)
 *	chunk_locate		index -> generation -> TTL -> verification -> chunk memo
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
#include <string.h>
#include <sys/mman.h>

#include <rawcache/file.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "base/buffer.h"
#include "core/read/cold.h"
#include "core/read/way.h"
#include "core/space/extent.h"
#include "core/fill/fill.h"
#include "core/fill/part.h"
#include "core/read/read.h"
#include "core/read/run.h"
#include "core/shared/storage.h"
#include "core/shared/slot.h"

#define STALE_TRIES 4
#define FILL_TRIES 8
#define READ_MAX 0x7ffff000u /* as the kernel's */
#define SAMPLE_MASK 63u
#define TIMED_MIN 16384u /* copies from here on are worth two looks at the counter */
#define POPULATE_MIN 16384u
#define STREAM_COPY_MAX 4096u

enum { READ_MISS = -1000, READ_STALE = -1001 };

static uint64_t pages_mask(uint32_t skip, uint32_t length)
{
	uint32_t first = skip >> FORMAT_PAGE_SHIFT;
	uint32_t last = (skip + length - 1) >> FORMAT_PAGE_SHIFT;

	return (((last - first) == 63 ? 0 : UINT64_C(2) << (last - first)) - 1) << first;
}

/* Whether `skip_end` bytes at a remembered place lie in the image, in the present generation. */
static inline bool place_current(const struct image *image, uint64_t place, uint32_t skip_end)
{
	uint64_t page = CHUNK_PAGE(place);

	return (place & CHUNK_VALID) &&
	       page + ((skip_end - 1) >> FORMAT_PAGE_SHIFT) < image->total_pages &&
	       (load_acquire(&image_region(image, (uint32_t)page)->generation) & 0x7fffffffu) ==
		       CHUNK_GENERATION(place);
}

/* The second look, after the bytes were copied. */
static inline bool place_still_current(const struct image *image, uint64_t place)
{
	fence_acquire(); /* pairs with the full fence after the bump in region_recycle() */
	return (load_relaxed(&image_region(image, CHUNK_PAGE(place))->generation) &
		0x7fffffffu) == CHUNK_GENERATION(place);
}

static void count_hit(uint64_t n)
{
	stats_add(hits, 1);
	stats_add(hit_bytes, n);
}

static ssize_t hot_copy(struct rawcache *cache, uint64_t place, const struct want *want)
{
	const char *src = cache->image.data + ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT) +
			  want->skip;
	int err = guard_copy(want->buf, src, want->length);

	if (unlikely(err)) {
		if (err == -EFAULT)
			return err;
		storage_unreadable(cache);
		return READ_MISS;
	}
	if (unlikely(!place_still_current(&cache->image, place)))
		return READ_STALE;
	stats_add(mmap_reads, 1);
	stats_add(mmap_bytes, want->length);
	return want->length;
}

/*
 * A copy that is long enough to be timed: when the page cache gave pages back meanwhile, it is
 * slow, and the chunk counts as cold again: written down with a reference, because without one
 * the table's memory may be something else by now. (A short one faults in one page, which costs
 * what pread() would.)
 */
static ssize_t hot_copy_timed(struct rawcache *cache, struct file *file, uint64_t handle,
			      struct chunk *chunk, uint64_t place, const struct want *want)
{
	uint64_t start = clock_ticks();
	ssize_t n = hot_copy(cache, place, want);

	if (unlikely(way_slow(&cache->way, want->length, clock_ticks() - start)) &&
	    file_hold(cache, file, handle)) {
		store_relaxed(&chunk->resident, 0);
		file_release(cache, file);
	}
	return n;
}

static char *place_address(const struct rawcache *cache, uint64_t place)
{
	return (char *)cache->image.data + ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT);
}

/* Whether all of it is in memory. The kernel tells only those who could write the file. */
static bool chunk_in_core(const struct rawcache *cache, uint64_t place, uint32_t bytes)
{
	unsigned char in_core[FORMAT_CHUNK_MAX / FORMAT_PAGE];
	uint32_t pages = (bytes + FORMAT_PAGE - 1) >> FORMAT_PAGE_SHIFT;

	if (cache->image.read_only || unusual_mincore(place_address(cache, place),
						      pages * FORMAT_PAGE, in_core))
		return false;
	for (uint32_t i = 0; i < pages; i++)
		if (!(in_core[i] & 1))
			return false;
	return true;
}

/*
 * All pages of the chunk are in memory: put them into our page tables in one call, so that
 * what follows copies without a fault.
 */
static bool chunk_populate(struct rawcache *cache, struct chunk *chunk, uint64_t place,
			   uint32_t bytes)
{
	if (!chunk_in_core(cache, place, bytes) ||
	    sys_madvise(place_address(cache, place), round_up(bytes, FORMAT_PAGE),
			MADV_POPULATE_READ))
		return false;
	store_relaxed(&chunk->resident, pages_mask(0, bytes));
	return true;
}

/* All bytes, or -errno; fewer only where the buffer ends, as the kernel answers. */
static ssize_t cold_pread(const struct image *image, uint64_t place, const struct want *want)
{
	uint64_t offset = image_offset(image, CHUNK_PAGE(place)) + want->skip;
	size_t done = 0;

	while (done < want->length) {
		ssize_t got = sys_pread(image->fd, (char *)want->buf + done, want->length - done,
					offset + done);

		if (got == -EINTR)
			continue;
		if (got == -EFAULT && done)
			break;
		if (got <= 0)
			return got ? got : -EIO;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* Bytes whose place is known by a system call on the image: no page fault waits for the disk. */
static ssize_t place_pread(struct rawcache *cache, uint64_t place, const struct want *want)
{
	ssize_t got = cold_pread(&cache->image, place, want);

	if (got == -EFAULT)
		return got;
	/* a program may have closed our descriptor and have the number now */
	if (got <= 0 || !image_fd_valid(&cache->image)) {
		storage_unreadable(cache);
		return READ_MISS;
	}
	if (!place_still_current(&cache->image, place))
		return READ_STALE;
	if (got < (ssize_t)want->length)
		return got; /* the rest of the buffer is bad: as the kernel answers */
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, (uint64_t)got);
	return got;
}

/*
 * They are in memory now, and that they were read once is noted. A small piece faults in; of a large
 * one a page stands for all: many files are read once, and the next read takes the whole chunk into
 * the page tables by one call (cold_read()).
 */
static void chunk_touched(struct chunk *chunk, const struct want *want)
{
	uint32_t length = want->length < POPULATE_MIN ? want->length : 1;

	__atomic_fetch_or(&chunk->resident, pages_mask(want->skip, length), __ATOMIC_RELAXED);
}

/*
 * A small piece of what a stream reads from the disk: its bytes come out of the mapping, which costs no
 * look at the descriptor; the call tells the kernel to read on, and is no page fault that waits.
 */
static ssize_t stream_copy(struct rawcache *cache, struct chunk *chunk, uint64_t place,
			   const struct want *want)
{
	uint64_t offset = image_offset(&cache->image, CHUNK_PAGE(place)) + want->skip;
	char byte;
	ssize_t n;

	for (uint32_t at = 0; at < want->length; at += FORMAT_PAGE)
		sys_pread(cache->image.fd, &byte, 1, offset + at);
	if ((offset + want->length - 1) % FORMAT_PAGE < (want->length - 1) % FORMAT_PAGE)
		sys_pread(cache->image.fd, &byte, 1, offset + want->length - 1);
	n = hot_copy(cache, place, want);
	if (n > 0)
		__atomic_fetch_or(&chunk->resident, pages_mask(want->skip, want->length),
				  __ATOMIC_RELAXED);
	return n;
}

/*
 * The place is known, but this process has not seen the pages in memory yet. The second read
 * of a chunk takes all of it into the page tables whatever it costs: more will come.
 */
static ssize_t never_inline cold_read(struct rawcache *cache, struct file *file, uint64_t place,
				      const struct want *want)
{
	struct chunk *chunk = file_chunk(file, want->chunk);
	uint32_t chunk_bytes = (uint32_t)min_u64(cache->chunk_bytes,
						 file->size - want->chunk * cache->chunk_bytes);
	bool mappable = chunk && cache->image.data;
	bool stream = mappable && cold_stream(cache, file, want);
	bool second = mappable && !stream && load_relaxed(&chunk->resident);
	enum way way = WAY_PREAD;
	uint64_t start = clock_mono_ns();
	ssize_t n;

	if (second)
		way = WAY_MAP;
	else if (mappable && !stream)
		way = way_choose(cache, want->length);
	if (stream && want->length <= STREAM_COPY_MAX) {
		n = stream_copy(cache, chunk, place, want);
	} else if (way == WAY_MAP && chunk_populate(cache, chunk, place, chunk_bytes)) {
		n = hot_copy(cache, place, want);
	} else {
		if (way == WAY_PREAD && mappable)
			stats_add(mmap_skipped, 1);
		way = WAY_PREAD;
		n = place_pread(cache, place, want);
		if (n > 0 && mappable && !stream)
			chunk_touched(chunk, want);
	}
	if (n > 0 && !second) {
		uint64_t ns = clock_mono_ns() - start;

		way_learn(&cache->way, way, want->length, ns);
		cold_note(cache, file, want, (uint64_t)n, ns);
	}
	return n;
}

/* Whether a read from `skip` to `end` is no part of the pass that fetched the chunk. */
static bool chunk_again(struct chunk *chunk, uint32_t skip, uint32_t end)
{
	uint64_t place = chunk ? load_relaxed(&chunk->place) : 0;

	if (!(place & CHUNK_FRESH) || place & CHUNK_VALID || skip < (uint32_t)place)
		return true;
	store_relaxed(&chunk->place, CHUNK_FRESH | end);
	return false;
}

static void chunk_remember(struct chunk *chunk, uint64_t place)
{
	uint64_t before = load_relaxed(&chunk->place);

	if (before == place)
		return;
	if (before & CHUNK_VALID) /* else what is resident was seen where it is now */
		store_relaxed(&chunk->resident, 0);
	store_release(&chunk->place, place);
}

/*
 * Look the chunk up for a read from `skip` to `end` of it; its place, verified where that is due,
 * or 0. Where it lies is remembered once it counts as visited.
 */
static uint64_t chunk_locate(struct rawcache *cache, const struct file *file, uint64_t number,
			     struct chunk *chunk, uint32_t skip, uint32_t end)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, number);
	uint64_t bytes = min_u64(cache->chunk_bytes, file->size - number * cache->chunk_bytes);
	struct found found;
	uint64_t place;

	if (!extent_find(cache, &key, bytes, &found))
		return 0;
	place = chunk_place(found.page, found.generation);
	if (!chunk_again(chunk, skip, end))
		return place;
	index_visit(cache, found.number);
	if (chunk && cache->memo)
		chunk_remember(chunk, place);
	return place;
}

uint64_t chunk_find(struct rawcache *cache, const struct file *file, uint64_t number, uint32_t skip,
		    uint32_t end)
{
	struct chunk *chunk = file_chunk(file, number);
	uint64_t place = chunk && cache->memo ? load_acquire(&chunk->place) : 0;

	if (number * cache->chunk_bytes >= load_relaxed(&file->size))
		return 0;
	return place_current(&cache->image, place, 1)
		       ? place
		       : chunk_locate(cache, file, number, chunk, skip, end);
}

bool chunk_fetch_now(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
		     uint64_t number)
{
	uint64_t offset = number * cache->chunk_bytes;
	uint64_t bytes = min_u64(cache->chunk_bytes, load_relaxed(&file->size) - offset);
	char *buffer = buffer_get();
	ssize_t n = -ENOMEM;

	if (buffer)
		n = rawcache_file_read(cache, handle, fd, buffer, bytes, offset);
	buffer_put(buffer);
	if (n <= 0)
		return false;
	fill_settle(cache, file, fd);
	chunk_fresh(file, number, 0); /* whom it is fetched for has not read it yet */
	return true;
}

static ssize_t read_parts(struct rawcache *cache, const struct file *file,
			  const struct want *want)
{
	ssize_t n = parts_read(cache, file, want);

	return n == -EAGAIN ? READ_MISS : n;
}

/* One round for the piece of one chunk: bytes, -errno, READ_STALE or READ_MISS. */
static ssize_t read_round(struct rawcache *cache, struct file *file, struct chunk *chunk,
			  const struct want *want)
{
	uint64_t place = chunk ? load_acquire(&chunk->place) : 0;
	uint64_t mask = pages_mask(want->skip, want->length);

	if (unlikely(load_relaxed(&cache->broken)))
		return READ_MISS;
	if (!place_current(&cache->image, place, want->skip + want->length)) {
		bool first = !(place & CHUNK_FRESH) || place == CHUNK_FRESH;

		place = chunk_locate(cache, file, want->chunk, chunk, want->skip,
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
	return cold_read(cache, file, place, want);
}

/* Rounds until the bytes are there, or surely are not. */
static ssize_t read_rounds(struct rawcache *cache, struct file *file, const struct want *want)
{
	ssize_t n = READ_STALE;

	for (int tries = 0; tries < STALE_TRIES && n == READ_STALE; tries++) {
		n = read_round(cache, file, file_chunk(file, want->chunk), want);
		if (unlikely(n == READ_STALE))
			stats_add(stale_retries, 1);
	}
	return n == READ_STALE ? READ_MISS : n;
}

/* The piece is not in the cache: fetch it, or wait for somebody who does. */
static ssize_t read_miss(struct rawcache *cache, struct file *file, const struct want *want)
{
	ssize_t n = -EAGAIN;

	stats_add(misses, 1);
	for (int tries = 0; tries < FILL_TRIES && n == -EAGAIN; tries++) {
		n = fill_chunk(cache, file, want);
		if (n != -EAGAIN)
			break;
		n = read_rounds(cache, file, want);
		if (n == READ_MISS)
			n = -EAGAIN;
		else if (n > 0) /* a miss, but its bytes came from the cache after all */
			stats_add(hit_bytes, (uint64_t)n);
	}
	return n == -EAGAIN ? fill_bypass(cache, file, want) : n;
}

/* All that is not hot, with a reference that keeps the object this file's. */
static ssize_t never_inline read_held(struct rawcache *cache, struct file *file, uint64_t handle,
				      const struct want *want)
{
	ssize_t n;

	if (!file_hold(cache, file, handle))
		return -ESTALE;
	n = read_rounds(cache, file, want);
	if (n >= 0)
		count_hit((uint64_t)n);
	else if (n == READ_MISS)
		n = read_miss(cache, file, want);
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
	count_hit((uint64_t)n);
	return n;
}

/* Whether some of the chunk was in memory when it was read last. No more than a hint. */
static bool piece_seen(const struct file *file, const struct want *want)
{
	const struct chunk *chunk = file_chunk(file, want->chunk);

	return chunk && load_relaxed(&chunk->resident);
}

/*
 * Chunks that lie side by side, and on the disk only: one system call for all of them, as for a file
 * that is no cache. Bytes, or -EAGAIN: chunk by chunk.
 */
static ssize_t stretch_read(struct rawcache *cache, struct file *file, uint64_t handle,
			    const struct want *want)
{
	struct want all = *want;
	uint64_t start = clock_mono_ns();
	struct run run;
	uint64_t place;
	ssize_t n;

	if (!cache->image.data || load_relaxed(&cache->broken) || load_relaxed(&file->ahead.live) ||
	    run_find(cache, file, handle, -1, want->chunk * cache->chunk_bytes + want->skip,
		     want->length + want->more, &run) ||
	    run.length <= want->length)
		return -EAGAIN;
	place = chunk_place((uint32_t)((run.at - want->skip) >> FORMAT_PAGE_SHIFT), run.generation);
	if (!cold_stream(cache, file, want) &&
	    (cache->image.read_only || chunk_in_core(cache, place, cache->chunk_bytes)))
		return -EAGAIN;
	all.length = (uint32_t)run.length;
	n = place_pread(cache, place, &all);
	if (n <= 0)
		return -EAGAIN;
	cold_note(cache, file, want, (uint64_t)n, clock_mono_ns() - start);
	count_hit((uint64_t)n);
	return n;
}

static ssize_t never_inline read_stretch(struct rawcache *cache, struct file *file,
					 uint64_t handle, const struct want *want)
{
	ssize_t n;

	if (!file_hold(cache, file, handle))
		return -EAGAIN;
	n = stretch_read(cache, file, handle, want);
	file_release(cache, file);
	return n;
}

/* A read that spans chunks. What was delivered before an error counts. */
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
		n = want.more && !piece_seen(file, &want) ?
			    read_stretch(cache, file, handle, &want) :
			    -EAGAIN;
		if (n == -EAGAIN)
			n = read_piece(cache, file, handle, &want);
		if (n < 0)
			return done && n != -ESTALE ? (ssize_t)done : n;
		/* a miss may have been another file's by now: one read never has bytes of two */
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
	uint64_t size = load_relaxed(&file->size);
	struct want want;

	if (unlikely(file_written(file)))
		return -ESTALE;
	if (unlikely(offset >= size || !len))
		return file_is(file, handle) ? 0 : -ESTALE;
	len = min_u64(len, min_u64(size - offset, READ_MAX));
	want.chunk = offset / cache->chunk_bytes;
	want.skip = (uint32_t)(offset % cache->chunk_bytes);
	want.length = (uint32_t)len;
	want.buf = buf;
	want.fd = fd;
	want.more = 0;
	want.aside = false;
	if (unlikely(len > cache->chunk_bytes - want.skip))
		return read_pieces(cache, file, handle, fd, buf, len, offset);
	return read_piece(cache, file, handle, &want);
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
		cache_slot_need(cache); /* a fork child counts where others can see it */
	start = clock_mono_ns();
	hits = stats_mine ? stats_mine->hits : 0;
	misses = stats_mine ? stats_mine->misses : 0;
	n = read_any(cache, file, handle, fd, buf, len, offset);
	way_calibrate(&cache->way);
	/* a long read that hit and missed is no hit */
	if (stats_mine && stats_mine->hits != hits && stats_mine->misses == misses)
		stats_latency(hit_latency, clock_mono_ns() - start);
	return n;
}

/* The thread blocks the signals of faults, perhaps: those in the index or the region table, too. */
static never_inline ssize_t read_in_window(struct rawcache *cache, uint64_t handle, int fd,
					   void *buf, size_t len, uint64_t offset)
{
	struct guard_window window;
	ssize_t n;

	guard_open(&window);
	n = file_read(cache, handle, fd, buf, len, offset);
	guard_close(&window);
	return n;
}

ssize_t rawcache_file_read(struct rawcache *cache, uint64_t handle, int fd, void *buf, size_t len,
			   uint64_t offset)
{
	if (unlikely(guard_may_block()))
		return read_in_window(cache, handle, fd, buf, len, offset);
	return file_read(cache, handle, fd, buf, len, offset);
}
