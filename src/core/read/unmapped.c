/* SPDX-License-Identifier: MIT */
/* Reads of a known place whose pages this process has not seen in memory. */
#include "core/read/unmapped.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/fill/fill.h"
#include "core/image/format.h"
#include "core/image/place.h"
#include "core/read/disk_stream.h"
#include "core/read/pass.h"
#include "core/read/read_hot.h"
#include "core/read/copy_policy.h"
#include "core/read/resident.h"
#include "core/shared/cache.h"
#include "core/shared/storage.h"

#define POPULATE_MIN 16384u   /* of a larger piece two pages stand for all: see chunk_seen() */
#define STREAM_COPY_MAX 4096u /* two page faults at most */

static char *place_address(const struct rawcache *cache, uint64_t place)
{
	return (char *)cache->image.data + ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT);
}

bool chunk_in_core(const struct rawcache *cache, uint64_t place, uint32_t bytes)
{
	return !cache->image.read_only && unusual_in_core(place_address(cache, place), bytes);
}

/*
 * All pages of the chunk are in memory: put them into our page tables by one call, so that later copies do
 * not fault.
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

/* Returns all bytes or -errno; fewer only where the buffer ends, as the kernel does. */
static ssize_t unmapped_pread(const struct image *image, uint64_t place, const struct want *want)
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

ssize_t place_pread(struct rawcache *cache, uint64_t place, const struct want *want)
{
	ssize_t got = unmapped_pread(&cache->image, place, want);

	if (got == -EFAULT)
		return got;
	/* a program may have closed our descriptor, and its number may be another file's */
	if (got <= 0 || !image_fd_valid(&cache->image)) {
		storage_unreadable(cache);
		return READ_MISS;
	}
	if (!place_still_current(&cache->image, place))
		return READ_STALE;
	if (got < (ssize_t)want->length)
		return got; /* the rest of the buffer is bad: answer as the kernel does */
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, (uint64_t)got);
	return got;
}

void chunk_seen(struct chunk *chunk, uint32_t skip, uint32_t length)
{
	uint32_t first = length < POPULATE_MIN ? length : 1;

	__atomic_fetch_or(&chunk->resident,
			  pages_mask(skip, first) | pages_mask(skip + length - 1, 1),
			  __ATOMIC_RELAXED);
}

/*
 * A small piece that a stream reads from the disk. Its bytes are copied out of the mapping, which needs no
 * check of the descriptor. A system call lets the kernel read on, so that no page fault waits.
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

enum unmapped_way {
	UNMAPPED_STREAM, /* see stream_copy() */
	UNMAPPED_MAP,	 /* put the chunk into the page tables, and copy */
	UNMAPPED_PREAD
};

/* What decides how a read is done. */
struct unmapped {
	bool mappable;
	bool stream;	   /* read from the disk, in order */
	bool pass;	   /* of a file that is read once */
	bool keep_out;	   /* and that must stay out of the page tables */
	uint64_t resident; /* pages of the chunk that were read before */
};

static struct unmapped unmapped_look(struct rawcache *cache, struct file *file,
				     const struct want *want)
{
	struct chunk *chunk = file_chunk(file, want->chunk);
	struct unmapped u = { .mappable = chunk && cache->image.data };

	if (!u.mappable)
		return u;
	u.resident = load_relaxed(&chunk->resident);
	u.stream = disk_stream_is(cache, file, want);
	u.pass = !u.stream && pass_reads(cache, file, want);
	u.keep_out = u.pass && pass_keeps_out(want, u.resident);
	return u;
}

static bool is_second(const struct unmapped *u)
{
	return u->resident && !u->stream && !u->keep_out;
}

static enum unmapped_way unmapped_choose(struct rawcache *cache, const struct unmapped *u,
					 const struct want *want)
{
	if (u->stream && want->length <= STREAM_COPY_MAX)
		return UNMAPPED_STREAM;
	if (is_second(u))
		return UNMAPPED_MAP;
	if (u->mappable && !u->stream && !u->keep_out &&
	    copy_policy_choose(cache, want->length) == COPY_MAP)
		return UNMAPPED_MAP;
	stats_add(mmap_skipped, u->mappable && !u->keep_out);
	return UNMAPPED_PREAD;
}

/* Whether the chunk may come into the page tables; of a large piece that is read by a system call nothing does now. */
static bool unmapped_room(struct rawcache *cache, const struct unmapped *u, enum unmapped_way way,
			  uint64_t place, uint32_t bytes, const struct want *want)
{
	if (!u->mappable)
		return true;
	return way == UNMAPPED_PREAD && want->length >= POPULATE_MIN ?
		       !resident_full(cache) :
		       resident_take(cache, place, bytes);
}

ssize_t never_inline unmapped_read(struct rawcache *cache, struct file *file, uint64_t place,
				   const struct want *want)
{
	struct chunk *chunk = file_chunk(file, want->chunk);
	uint32_t chunk_bytes = (uint32_t)min_u64(cache->chunk_bytes,
						 file->size - want->chunk * cache->chunk_bytes);
	struct unmapped u = unmapped_look(cache, file, want);
	enum unmapped_way way = unmapped_choose(cache, &u, want);
	bool room = unmapped_room(cache, &u, way, place, chunk_bytes, want);
	uint64_t start = clock_mono_ns();
	ssize_t n;

	if (!room || (way == UNMAPPED_MAP && !chunk_populate(cache, chunk, place, chunk_bytes)))
		way = UNMAPPED_PREAD;
	if (way == UNMAPPED_STREAM) {
		n = stream_copy(cache, chunk, place, want);
	} else if (way == UNMAPPED_MAP) {
		n = hot_copy(cache, place, want);
		if (u.pass)
			pass_mapped(cache, file, want->chunk, place, u.resident);
	} else {
		n = place_pread(cache, place, want);
		if (n > 0 && u.mappable && !u.stream && room)
			chunk_seen(chunk, want->skip, want->length);
	}
	if (n > 0 && !is_second(&u)) {
		uint64_t ns = clock_mono_ns() - start;

		copy_policy_learn(&cache->copy_costs, way == UNMAPPED_MAP ? COPY_MAP : COPY_PREAD,
				  want->length, ns);
		disk_stream_note(cache, file, want, (uint64_t)n, ns);
	}
	return n;
}
