/* SPDX-License-Identifier: MIT */
#include "core/fill.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/buffer.h"
#include "core/flight.h"
#include "core/index.h"
#include "core/io.h"
#include "core/region.h"

/*
 * The fill this thread is in. A signal handler that reads while its thread is filling must not
 * wait for its own thread's flight: it reads the origin. A fill that was left by siglongjmp()
 * lies in a frame below the present one, and is cleaned up by the next.
 */
struct current_fill {
	char *frame;
	struct rawcache *cache;
	struct flight *flight;
	char *buffer;
};
static tls_initial struct current_fill current;

static uint32_t chunk_length(const struct rawcache *cache, const struct file *file, uint64_t chunk)
{
	uint64_t start = chunk * cache->chunk_bytes;

	return (uint32_t)min_u64(cache->chunk_bytes, file->size - start);
}

ssize_t fill_bypass(struct rawcache *cache, const struct file *file, int fd,
		    const struct want *want)
{
	uint64_t offset = want->chunk * cache->chunk_bytes + want->skip;
	ssize_t got = sys_pread(fd, want->buf, want->length, offset);

	(void)file;
	stats_add(origin_reads, 1);
	if (got > 0) {
		stats_add(origin_bytes, (uint64_t)got);
		stats_add(miss_bytes, (uint64_t)got);
	}
	return got;
}

/* Storing gave up: the program has its bytes all the same. */
static void store_failed(struct rawcache *cache, int err)
{
	stats_add(fill_errors, 1);
	switch (err) {
	case -EAGAIN:
	case -EBUSY:
		stats_bypass(RAWCACHE_REASON_full);
		break;
	case -EIO:
	case -ENOSPC:
		stats_add(io_errors, 1);
		stats_bypass(RAWCACHE_REASON_io_error);
		break;
	case -EBADF:
		stats_bypass(RAWCACHE_REASON_no_fd);
		break;
	default:
		break;
	}
	log_info("not stored: error %d (slot %d)", err, cache->slot);
}

/* Write the chunk's bytes, zero-filled to whole pages, and publish them. */
static void chunk_store(struct rawcache *cache, const struct file *file, const struct key *key,
			char *buf, uint32_t length)
{
	uint32_t bytes = (uint32_t)round_up(length, FORMAT_PAGE);
	struct extent extent;
	int err = region_alloc(cache, bytes >> FORMAT_PAGE_SHIFT, &extent);

	(void)file;
	if (err) {
		store_failed(cache, err);
		return;
	}
	memset(buf + length, 0, bytes - length);
	err = io_backend_choose(cache)->write_extent(cache, extent.page, buf, bytes);
	if (!err)
		err = index_store(cache, key, extent.page, length, extent.generation,
				  XXH3_64bits_withSeed(buf, length, key->low));
	region_release(cache, &extent);
	if (err) {
		store_failed(cache, err);
		return;
	}
	stats_add(fills, 1);
	stats_add(fill_bytes, length);
}

/* Fetch, deliver, store; the flight is ours. */
static ssize_t chunk_fetch(struct rawcache *cache, const struct file *file, int fd,
			   const struct key *key, const struct want *want, char *buf)
{
	uint32_t length = chunk_length(cache, file, want->chunk);
	uint64_t offset = want->chunk * cache->chunk_bytes;
	uint64_t start = clock_mono_ns();
	ssize_t got = io_backend_choose(cache)->read_origin(cache, fd, buf, length, offset);

	/* an error may lie outside of what the program asked for, and so may a new end */
	if (got < (ssize_t)(want->skip + want->length))
		return fill_bypass(cache, file, fd, want);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (got == (ssize_t)length && file_unchanged(file, fd))
		chunk_store(cache, file, key, buf, length);
	else
		stats_bypass(RAWCACHE_REASON_changed);
	/* the image has it now: the origin's copy only takes memory */
	sys_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

static bool fill_enter(struct rawcache *cache)
{
	char *frame = __builtin_frame_address(0);

	if (current.frame && current.frame > frame)
		return false;
	if (current.frame) {
		if (current.flight)
			flight_end(current.cache, current.flight);
		buffer_put(current.buffer);
	}
	current.cache = cache;
	current.flight = NULL;
	current.buffer = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	current.frame = frame;
	return true;
}

static void fill_leave(void)
{
	current.frame = NULL;
}

static ssize_t fill_own(struct rawcache *cache, struct file *file, int fd, const struct key *key,
			const struct want *want)
{
	struct found found;
	ssize_t n = -EAGAIN;

	/* published between our look and our claim? */
	if (!index_find(cache, key, &found)) {
		current.buffer = buffer_get();
		n = current.buffer ? chunk_fetch(cache, file, fd, key, want, current.buffer) :
				     fill_bypass(cache, file, fd, want);
		buffer_put(current.buffer);
		current.buffer = NULL;
	}
	flight_end(cache, current.flight);
	current.flight = NULL;
	return n;
}

ssize_t fill_chunk(struct rawcache *cache, struct file *file, int fd, const struct want *want)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, want->chunk);
	ssize_t n = -EAGAIN;

	if (load_relaxed(&cache->broken) || cache->image.read_only || cache_slot_need(cache))
		return fill_bypass(cache, file, fd, want);
	if (!fill_enter(cache)) {
		stats_bypass(RAWCACHE_REASON_nested);
		return fill_bypass(cache, file, fd, want);
	}
	switch (flight_begin(cache, &key, &current.flight)) {
	case FLIGHT_OWNER:
		n = fill_own(cache, file, fd, &key, want);
		break;
	case FLIGHT_ALONE:
		n = fill_bypass(cache, file, fd, want);
		break;
	case FLIGHT_ENDED:
		break;
	}
	fill_leave();
	return n;
}
