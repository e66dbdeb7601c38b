/* SPDX-License-Identifier: MIT */
/*
 * Objects by key: the functions of rawcache/object.h.
 *
 * An object is one extent, whatever its length: the value from the first byte of a page on, so
 * that views are aligned, and a trailer of 16 bytes behind it. The trailer has what a chunk of a
 * file does not need, the object's own end of life; it costs a page only where the value leaves
 * less than 16 bytes of its last one (a header page would have cost 4 KiB for each object). The
 * checksum in the index covers both.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <rawcache/object.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/index/ghost.h"
#include "core/shared/region_hold.h"
#include "core/index/index.h"
#include "core/shared/pin.h"
#include "core/space/extent.h"
#include "core/space/space.h"
#include "core/shared/storage.h"
#include "core/shared/send.h"
#include "core/index/verify.h"
#include "core/read/prefault.h"

struct trailer {
	uint64_t expires; /* seconds since 1970; 0: never */
	uint64_t reserved;
};
static_assert(sizeof(struct trailer) == 16, "trailer");

static int object_key(const struct rawcache *cache, const void *bytes, size_t n, struct key *key)
{
	if (!n || n > RAWCACHE_KEY_MAX)
		return -EINVAL;
	*key = key_of_bytes(&cache->image.sb, bytes, n);
	return 0;
}

size_t rawcache_value_max(const struct rawcache *cache)
{
	return (UINT64_C(1) << cache->image.sb.region_shift) - sizeof(struct trailer);
}

/* --- storing */

/* Write the end of the extent: the rest of the value's last page, the trailer, zeros. */
static int tail_write(struct rawcache *cache, const struct extent *extent, const char *data,
		      size_t length, const struct trailer *trailer)
{
	size_t whole = round_down(length, FORMAT_PAGE);
	size_t rest = length - whole;
	char tail[2 * FORMAT_PAGE] __attribute__((aligned(FORMAT_PAGE))); /* for O_DIRECT */

	memset(tail, 0, sizeof(tail));
	memcpy(tail, data + whole, rest);
	memcpy(tail + rest, trailer, sizeof(*trailer));
	return extent_write(cache, extent, (uint32_t)whole, tail,
			    (uint32_t)round_up(rest + sizeof(*trailer), FORMAT_PAGE));
}

static uint64_t object_checksum(const struct key *key, const void *data, size_t length,
				const struct trailer *trailer)
{
	XXH3_state_t state = { 0 };

	XXH3_64bits_reset_withSeed(&state, key->low);
	XXH3_64bits_update(&state, data, length);
	XXH3_64bits_update(&state, trailer, sizeof(*trailer));
	return XXH3_64bits_digest(&state);
}

/*
 * Write the value directly from the caller's memory. With options.direct, one that is page-aligned bypasses
 * the page cache.
 */
static int object_write(struct rawcache *cache, const struct key *key, const struct extent *extent,
			const void *data, size_t length, const struct trailer *trailer)
{
	size_t whole = round_down(length, FORMAT_PAGE);
	int err = whole ? extent_write(cache, extent, 0, data, (uint32_t)whole) : 0;

	if (!err)
		err = tail_write(cache, extent, data, length, trailer);
	if (err)
		return err;
	return index_store(cache, key, extent->page, (uint32_t)(length + sizeof(*trailer)),
			   extent->generation, object_checksum(key, data, length, trailer));
}

int rawcache_store(struct rawcache *cache, const void *key_bytes, size_t key_length,
		   const void *data, size_t length, uint32_t ttl)
{
	struct trailer trailer = { 0 };
	struct extent extent;
	struct key key;
	uint64_t bytes;
	int err = object_key(cache, key_bytes, key_length, &key);

	if (err)
		return err;
	if (length > rawcache_value_max(cache))
		return -E2BIG;
	if (ttl)
		trailer.expires = clock_real_s() + ttl;
	if (cache->image.read_only)
		return -EROFS;
	if (!storage_probe(cache))
		return -EIO;
	storage_bound(cache);
	bytes = round_up(length + sizeof(trailer), FORMAT_PAGE);
	err = space_get(cache, ghost_log(cache, &key), (uint32_t)(bytes >> FORMAT_PAGE_SHIFT), NULL,
			&extent);
	if (!err) {
		err = object_write(cache, &key, &extent, data, length, &trailer);
		region_release(cache, &extent);
	}
	if (err) {
		extent_failed(cache, err);
		return err == -EBUSY ? -EAGAIN : err;
	}
	stats_add(fills, 1);
	stats_add(fill_bytes, length);
	return 0;
}

int rawcache_remove(struct rawcache *cache, const void *key_bytes, size_t key_length)
{
	struct found found;
	struct key key;
	int err = object_key(cache, key_bytes, key_length, &key);

	if (err)
		return err;
	if (cache->image.read_only)
		return -EROFS;
	if (!index_find(cache, &key, &found))
		return -ENOENT;
	return index_remove(cache, &key, NULL);
}

/* --- looking up */

/* Find the entry of a key; an expired one is removed. It does not check the trailer's end of life yet. */
static int object_find(struct rawcache *cache, const struct key *key, struct found *found)
{
	if (load_relaxed(&cache->broken))
		return -EIO;
	if (!index_find(cache, key, found) || found->length < sizeof(struct trailer))
		return -ENOENT;
	if (verify_expired(cache, found)) {
		index_remove(cache, key, found);
		return -ENOENT;
	}
	return 0;
}

/* Remove an object whose end of life has come. */
static int object_ended(struct rawcache *cache, const struct key *key, const struct found *found,
			const struct trailer *trailer)
{
	if (!trailer->expires || clock_real_s() < trailer->expires)
		return 0;
	index_remove(cache, key, found);
	return -ENOENT;
}

static ssize_t lookup_count(ssize_t n)
{
	if (n >= 0) {
		stats_add(hits, 1);
		stats_add(hit_bytes, (uint64_t)n);
	} else if (n == -ENOENT) {
		stats_add(misses, 1);
	}
	return n;
}

static int object_pread(struct rawcache *cache, const struct found *found, void *buf, size_t length,
			struct trailer *trailer)
{
	struct iovec iov[2] = { { buf, length }, { trailer, sizeof(*trailer) } };
	ssize_t got = sys_preadv(cache->image.fd, iov, 2, image_offset(&cache->image, found->page));

	if (got == -EFAULT)
		return -EFAULT;
	if (!image_fd_valid(&cache->image))
		return -EIO;
	if (got == (ssize_t)(length + sizeof(*trailer)))
		return 0;
	/* cut short, by a signal for example: read again, piece by piece */
	if (image_read(&cache->image, found->page, 0, buf, length) ||
	    image_read(&cache->image, found->page, length, trailer, sizeof(*trailer)))
		return -EIO;
	return 0;
}

static int object_copy(struct rawcache *cache, const struct key *key, const struct found *found,
		       void *buf, size_t length)
{
	struct trailer trailer;
	int err = object_pread(cache, found, buf, length, &trailer);

	if (err == -EFAULT)
		return err;
	if (!verify_current(cache, found))
		return -ESTALE;
	if (err || object_checksum(key, buf, length, &trailer) != found->checksum) {
		stats_add(verify_failed, 1);
		stats_add(io_errors, err != 0);
		index_remove(cache, key, found);
		return -ENOENT;
	}
	stats_add(verify_ok, 1);
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, length);
	if (!verify_due(cache, found))
		return object_ended(cache, key, found, &trailer);
	if (cache->options.verify == RAWCACHE_VERIFY_BOOT)
		index_trust(cache, key, found);
	return object_ended(cache, key, found, &trailer);
}

ssize_t rawcache_lookup(struct rawcache *cache, const void *key_bytes, size_t key_length, void *buf,
			size_t size)
{
	struct found found;
	struct key key;
	int err = object_key(cache, key_bytes, key_length, &key);
	size_t length;

	if (err)
		return err;
	for (int tries = 0; tries < STALE_TRIES; tries++) {
		err = object_find(cache, &key, &found);
		if (err)
			break;
		length = found.length - sizeof(struct trailer);
		if (!size)
			return (ssize_t)length;
		if (length > size)
			return -ERANGE;
		err = object_copy(cache, &key, &found, buf, length);
		if (!err)
			index_visit(cache, found.number);
		if (err != -ESTALE)
			return lookup_count(err ? err : (ssize_t)length);
		stats_add(stale_retries, 1);
	}
	return lookup_count(err == -EIO ? -EIO : -ENOENT);
}

/* --- views */

/* With its region held: check the bytes that decide whether the object is valid. */
static int view_check(struct rawcache *cache, const struct key *key, const struct found *found,
		      const char *data, size_t length)
{
	struct trailer trailer;

	if (verify_due(cache, found) && !verify_extent(cache, key, found))
		return -ENOENT;
	prefault_extent(cache, found->page, found->length);
	if (guard_copy(&trailer, data + length, sizeof(trailer)))
		return -EIO;
	return object_ended(cache, key, found, &trailer);
}

static int view_try(struct rawcache *cache, const struct key *key, struct rawcache_view *view)
{
	struct found found;
	const char *data;
	int err = object_find(cache, key, &found);

	if (!err)
		err = hold_get(cache, region_number(&cache->image, found.page), found.generation,
			       HOLD_FIRM);
	if (err)
		return err;
	data = cache->image.data + ((uint64_t)found.page << FORMAT_PAGE_SHIFT);
	err = view_check(cache, key, &found, data, found.length - sizeof(struct trailer));
	if (err) {
		hold_put(cache, region_number(&cache->image, found.page), HOLD_FIRM);
		return err;
	}
	view->data = data;
	view->length = found.length - sizeof(struct trailer);
	view->hold = (uint64_t)(uint32_t)cache->pid << 32 |
		     region_number(&cache->image, found.page);
	index_visit(cache, found.number);
	return 0;
}

int rawcache_lookup_zero_copy(struct rawcache *cache, const void *key_bytes, size_t key_length,
			      struct rawcache_view *view)
{
	struct key key;
	int err = object_key(cache, key_bytes, key_length, &key);

	memset(view, 0, sizeof(*view));
	if (err)
		return err;
	if (!cache->image.data)
		return -EOPNOTSUPP;
	err = -ESTALE;
	for (int tries = 0; tries < STALE_TRIES && err == -ESTALE; tries++)
		err = view_try(cache, &key, view);
	if (err == -ESTALE)
		err = -ENOENT;
	lookup_count(err ? err : (ssize_t)view->length);
	if (!err) {
		stats_add(mmap_reads, 1);
		stats_add(mmap_bytes, view->length);
	}
	return err;
}

void rawcache_view_release(struct rawcache *cache, struct rawcache_view *view)
{
	/* a fork child's holds are not its parent's */
	if (view->hold && view->hold >> 32 == (uint32_t)cache->pid)
		hold_put(cache, (uint32_t)view->hold, HOLD_FIRM);
	memset(view, 0, sizeof(*view));
}

/* --- sending */

unsigned int rawcache_zero_copy_available(const struct rawcache *cache)
{
	unsigned int works = 0;

	if (cache->image.data && cache->slot != SLOT_NONE)
		works |= RAWCACHE_ZERO_COPY_VIEW;
	if (send_allowed(cache))
		works |= RAWCACHE_ZERO_COPY_SENDFILE;
	return works;
}

static ssize_t send_view(struct rawcache *cache, const struct rawcache_view *view, int socket,
			 uint64_t offset, size_t length)
{
	uint64_t at;
	ssize_t n;

	if (offset >= view->length || !length)
		return 0;
	length = min_u64(length, view->length - offset);
	if (!send_allowed(cache))
		return sys_write(socket, (const char *)view->data + offset, length);
	at = cache->image.sb.data_offset + offset +
	     (uint64_t)((const char *)view->data - cache->image.data);
	n = sys_sendfile(socket, cache->image.fd, &at, length);
	if (n > 0) {
		stats_add(sendfile_transfers, 1);
		stats_add(sendfile_bytes, (uint64_t)n);
	}
	return n;
}

ssize_t rawcache_sendfile_to_socket(struct rawcache *cache, const void *key, size_t key_length,
				    int socket, uint64_t offset, size_t length)
{
	struct rawcache_view view;
	ssize_t n = rawcache_lookup_zero_copy(cache, key, key_length, &view);

	if (n)
		return n;
	n = send_view(cache, &view, socket, offset, length);
	rawcache_view_release(cache, &view);
	return n;
}
