/* SPDX-License-Identifier: MIT */
#include "core/shared/storage.h"

#include <errno.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/fdpath.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/shared/region_lock.h"

/*
 * More than a region's generation advances between two write-backs, and no multiple of the 12 bits in an
 * entry.
 */
#define GENERATION_LEAP ((1u << 20) + 1)
#define FORGIVEN 8u
#define PAUSE_FIRST_MS 1000u
#define PAUSE_MAX_MS 60000u
/* Write-back is started whenever an extent ends in another block of this size. */
#define WRITEBACK_BYTES (UINT64_C(1) << 20)
/* Number of ranges under way above which the oldest is waited for. */
#define WRITEBACK_RANGES 32u

static void storage_pause(struct rawcache *cache)
{
	uint64_t pause = load_relaxed(&cache->broken_pause_ms);

	pause = pause ? min_u64(pause * 2, PAUSE_MAX_MS) : PAUSE_FIRST_MS;
	store_relaxed(&cache->broken_pause_ms, (uint32_t)pause);
	store_relaxed(&cache->broken_until_ms, clock_coarse_ms() + pause);
	store_relaxed(&cache->storage_errors, 0);
	if (!load_relaxed(&cache->broken))
		log_error("the image's storage fails: using the origin for %u s",
			  (unsigned int)(pause / 1000));
	store_release(&cache->broken, 1);
}

void storage_failed(struct rawcache *cache, int err)
{
	stats_add(io_errors, 1);
	log_info("the image's storage failed: error %d", err);
	if (fetch_add(&cache->storage_errors, 1) + 1 >= FORGIVEN ||
	    load_relaxed(&cache->broken_pause_ms))
		storage_pause(cache);
}

void storage_unreadable(struct rawcache *cache)
{
	stats_add(io_errors, 1);
	storage_pause(cache);
}

void storage_lost(struct rawcache *cache)
{
	store_relaxed(&cache->broken_until_ms, UINT64_MAX);
	store_release(&cache->broken, 1);
}

bool storage_is_lost(const struct rawcache *cache)
{
	return load_relaxed(&cache->broken_until_ms) == UINT64_MAX;
}

bool storage_probe(struct rawcache *cache)
{
	if (!load_acquire(&cache->broken))
		return true;
	if (clock_coarse_ms() < load_relaxed(&cache->broken_until_ms))
		return false;
	log_info("trying the image again");
	store_release(&cache->broken, 0);
	return true;
}

/*
 * Any page of the region table may be read again as it was when it was last written. So each generation leaps
 * to a number that was never used. An entry that still matches, because entries carry 12 bits of a generation
 * only, is of an earlier epoch; its region must stay SEALED, not FREE, until it is taken.
 */
int storage_distrust_regions(struct rawcache *cache)
{
	struct critical critical;
	int err = regions_lock(cache, &critical);

	if (err)
		return err;
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		struct region *region = &cache->image.regions[n];

		if (region->state != REGION_BAD && region->state != REGION_RECYCLING)
			store_release(&region->state, REGION_SEALED);
		store_release(&region->generation, region->generation + GENERATION_LEAP);
	}
	regions_unlock(cache, &critical);
	return 0;
}

void storage_distrust(struct rawcache *cache)
{
	store_release(&cache->runtime.header->epoch, 0);
	storage_distrust_regions(cache);
	runtime_distrust(&cache->runtime, &cache->image);
}

/*
 * Bytes that were written to the page cache got lost on their way to the disk, and the kernel does not say
 * which: sooner or later a read returns the old bytes again. These may be data whose entries count as
 * verified, or old generations and states of regions.
 */
static void writeback_failed(struct rawcache *cache, int err)
{
	stats_add(io_errors, 1);
	log_error("what was stored could not be written to the disk (error %d): all is dropped",
		  err);
	storage_distrust(cache);
	storage_pause(cache);
}

/*
 * The kernel reports a failure once to each description, whatever range it asks for. Returns false if one
 * was reported.
 */
static bool writeback_wait(struct rawcache *cache, uint64_t offset, uint64_t n, unsigned int flags)
{
	int err = -EBADF;

	if (image_fd_valid(&cache->image))
		err = sys_sync_file_range(cache->image.fd, offset, n, flags);
	if (err != -EIO && err != -ENOSPC && err != -EDQUOT)
		return true;
	writeback_failed(cache, err);
	return false;
}

bool storage_check(struct rawcache *cache)
{
	int err;

	if (!writeback_wait(cache, 0, FORMAT_PAGE, SYNC_FILE_RANGE_WAIT_BEFORE))
		return false;
	if (likely(cache_epoch(cache)))
		return true;
	err = runtime_distrust(&cache->runtime, &cache->image);
	if (err && err != -EBUSY) /* another thread is doing it: soon over, and no failure */
		storage_pause(cache);
	return !err;
}

static void writeback_start(struct rawcache *cache, uint64_t offset, uint64_t n)
{
	uint64_t from = round_down(offset, WRITEBACK_BYTES);
	uint64_t to = round_down(offset + n, WRITEBACK_BYTES);
	uint32_t at;

	if (from >= to)
		return;
	sys_sync_file_range(cache->image.fd, from, to - from, SYNC_FILE_RANGE_WRITE);
	at = fetch_add(&cache->writeback_begun, 1) % ARRAY_SIZE(cache->writeback);
	store_release(&cache->writeback[at], from | (to - from) / WRITEBACK_BYTES);
	storage_check(cache);
}

void storage_bound(struct rawcache *cache)
{
	uint32_t begun;
	uint32_t ended;

	for (;;) {
		uint64_t range;

		ended = load_relaxed(&cache->writeback_ended);
		begun = load_acquire(&cache->writeback_begun);
		if (begun - ended <= WRITEBACK_RANGES)
			return;
		if (!cas(&cache->writeback_ended, &ended, ended + 1))
			continue;
		range = load_acquire(&cache->writeback[ended % ARRAY_SIZE(cache->writeback)]);
		writeback_wait(cache, round_down(range, WRITEBACK_BYTES),
			       range % WRITEBACK_BYTES * WRITEBACK_BYTES,
			       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				       SYNC_FILE_RANGE_WAIT_AFTER);
	}
}

static bool fd_is_image(const struct rawcache *cache, int fd)
{
	return sys_fd_is(fd, cache->image.device, cache->image.inode);
}

/*
 * O_DIRECT needs a description of its own: with the flag on the one that we have, reads would need aligned
 * buffers. One call writes at a time and waits for the end: on a block device an asynchronous direct write
 * leaves stale pages in the page cache.
 */
static int direct_fd(struct rawcache *cache)
{
	int fd = load_acquire(&cache->direct_fd);
	int none = 0;
	char self[FDPATH_BYTES];

	if (fd > 0 && fd_is_image(cache, fd - 1))
		return fd - 1;
	if (fd)
		return -EBADF;
	fdpath(self, cache->image.fd);
	fd = sys_openat(AT_FDCWD, self, O_WRONLY | O_DIRECT | O_CLOEXEC, 0);
	fd = fd < 0 ? fd : image_fd_hide(fd);
	if (fd >= 0 && !fd_is_image(cache, fd)) { /* a program uses our descriptor's number */
		sys_close(fd);
		return -EBADF;
	}
	if (!cas(&cache->direct_fd, &none, fd < 0 ? -1 : fd + 1)) {
		if (fd >= 0)
			sys_close(fd);
		return none > 0 ? none - 1 : -EBADF;
	}
	return fd;
}

static bool direct_write(struct rawcache *cache, uint64_t offset, const char *buf, uint32_t bytes)
{
	int fd = direct_fd(cache);
	ssize_t put;

	if (fd < 0 || (!cache->image.block_device && !sys_file_size_allowed(offset + bytes)))
		return false;
	while (bytes) {
		put = sys_pwrite(fd, buf, bytes, offset);
		if (put <= 0 || put % FORMAT_PAGE)
			return false;
		buf += put;
		offset += (uint64_t)put;
		bytes -= (uint32_t)put;
	}
	return true;
}

int storage_write(struct rawcache *cache, uint32_t page, const void *buf, uint32_t bytes)
{
	const struct image *image = &cache->image;
	uint64_t offset = image_offset(image, page);
	int err;

	/*
	 * without the segment nobody knows that we still exist, and the region may belong to another
	 * process
	 */
	if (!runtime_fd_valid(&cache->runtime))
		return -EBADF;
	/* what O_DIRECT refuses or writes in part is written through the page cache */
	if (cache->options.direct && image->sb.probes & FORMAT_PROBE_DIRECT &&
	    direct_write(cache, offset, buf, bytes))
		return 0;
	err = image_write(image, page, buf, bytes);
	if (!err) {
		if (load_relaxed(&cache->broken_pause_ms))
			store_relaxed(&cache->broken_pause_ms, 0);
		if (load_relaxed(&cache->storage_errors))
			store_relaxed(&cache->storage_errors, 0);
		writeback_start(cache, offset, bytes);
	}
	return err;
}

void storage_close(struct rawcache *cache)
{
	if (cache->direct_fd > 0 && fd_is_image(cache, cache->direct_fd - 1))
		sys_close(cache->direct_fd - 1);
	cache->direct_fd = 0;
}
