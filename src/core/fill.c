/* SPDX-License-Identifier: MIT */
#include "core/fill.h"

#include <errno.h>
#include <signal.h>
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
 * The fill this thread is in, and what it holds. A signal handler that reads while its thread is
 * filling must not wait for its own thread's flight: it reads the origin. A fill that was left
 * by siglongjmp() is recognised by the next one, which gives back what it held.
 *
 * A live outer fill has its frame above ours on the same stack, with the seal in it. On an
 * alternate signal stack addresses tell nothing: there we are nested.
 */
struct current_fill {
	const uintptr_t *seal; /* in the frame of fill_chunk(); NULL: no fill */
	struct rawcache *cache;
	struct file *file;
	struct flight *flight;
	struct extent *extent; /* points to `held` while a region is pinned */
	struct extent held;
};
static tls_initial struct current_fill current;
static const uintptr_t FILL_SEAL = (uintptr_t)0x6c6c69662d6377u;

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
	struct extent *extent = &current.held;
	int err = region_alloc(cache, bytes >> FORMAT_PAGE_SHIFT, extent);

	(void)file;
	if (err) {
		store_failed(cache, err);
		return;
	}
	current.extent = extent;
	memset(buf + length, 0, bytes - length);
	err = runtime_fd_valid(&cache->runtime) ? 0 : -EBADF;
	if (!err)
		err = io_backend_choose(cache)->write_extent(cache, extent->page, buf, bytes);
	if (!err)
		err = index_store(cache, key, extent->page, length, extent->generation,
				  XXH3_64bits_withSeed(buf, length, key->low));
	current.extent = NULL;
	region_release(cache, extent);
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
	struct statx before;
	bool same = file_look(file, fd, &before);
	ssize_t got = io_backend_choose(cache)->read_origin(cache, fd, buf, length, offset);

	/* an error may lie outside of what the program asked for, and so may a new end */
	if (got < (ssize_t)(want->skip + want->length))
		return fill_bypass(cache, file, fd, want);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (same && got == (ssize_t)length && file_unchanged(file, fd, &before))
		chunk_store(cache, file, key, buf, length);
	else
		stats_bypass(RAWCACHE_REASON_changed);
	/* the image has it now: the origin's copy only takes memory */
	sys_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

static bool on_signal_stack(void)
{
	stack_t stack;

	return !SYS_CALL(__NR_sigaltstack, NULL, &stack, 0, 0, 0, 0) &&
	       stack.ss_flags & SS_ONSTACK;
}

/* What a fill that was left by siglongjmp() held. Its buffer is not worth the risk. */
static void fill_abandoned(void)
{
	struct rawcache *cache = current.cache;
	struct flight *flight = current.flight;
	struct extent *extent = current.extent;
	struct file *file = current.file;

	current.flight = NULL;
	current.extent = NULL;
	current.file = NULL;
	current.seal = NULL;
	if (extent)
		region_release(cache, extent);
	if (flight)
		flight_end(cache, flight);
	if (file)
		file_release(cache, file);
}

/* False: this call interrupted a fill of its own thread. */
static bool fill_enter(struct rawcache *cache, struct file *file, const uintptr_t *seal)
{
	if (current.seal) {
		if (on_signal_stack() || (current.seal > seal && *current.seal == FILL_SEAL))
			return false;
		fill_abandoned();
	}
	current.cache = cache;
	current.file = file;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&current.seal, seal);
	return true;
}

static void fill_leave(void)
{
	current.file = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&current.seal, NULL);
}

static ssize_t fill_own(struct rawcache *cache, struct file *file, int fd, const struct key *key,
			const struct want *want, struct flight *flight)
{
	struct found found;
	ssize_t n = -EAGAIN;
	char *buf;

	current.flight = flight;
	/* published between our look and our claim? */
	if (!index_find(cache, key, &found)) {
		buf = buffer_get();
		n = buf ? chunk_fetch(cache, file, fd, key, want, buf) :
			  fill_bypass(cache, file, fd, want);
		buffer_put(buf);
	}
	current.flight = NULL;
	flight_end(cache, flight);
	return n;
}

ssize_t fill_chunk(struct rawcache *cache, struct file *file, int fd, const struct want *want)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, want->chunk);
	volatile uintptr_t seal = FILL_SEAL;
	struct flight *flight = NULL;
	ssize_t n = -EAGAIN;

	if (load_relaxed(&cache->broken) || cache->image.read_only || cache_slot_need(cache))
		return fill_bypass(cache, file, fd, want);
	if (!fill_enter(cache, file, (const uintptr_t *)&seal)) {
		stats_bypass(RAWCACHE_REASON_nested);
		return fill_bypass(cache, file, fd, want);
	}
	switch (flight_begin(cache, &key, &flight)) {
	case FLIGHT_OWNER:
		n = fill_own(cache, file, fd, &key, want, flight);
		break;
	case FLIGHT_ALONE:
		n = fill_bypass(cache, file, fd, want);
		break;
	case FLIGHT_ENDED:
		break;
	}
	fill_leave();
	seal = 0;
	return n;
}
