/* SPDX-License-Identifier: MIT */
/*
 * Cached files without copies: transfers inside the kernel, and mappings.
 *
 * They work on the handles of file.h. Where bytes are not in the cache yet they are fetched and
 * stored first, as a read would do.
 */
#ifndef RAWCACHE_ZEROCOPY_H
#define RAWCACHE_ZEROCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rawcache/file.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum rawcache_transfer_way {
	RAWCACHE_TRANSFER_SENDFILE,
	RAWCACHE_TRANSFER_SPLICE,
	RAWCACHE_TRANSFER_WRITE /* the bytes are copied, by write(2) or pwrite(2) */
};

/* Where bytes go. */
struct rawcache_transfer {
	enum rawcache_transfer_way way;
	int out;	      /* descriptor */
	unsigned int flags;   /* of splice(2) */
	uint64_t *out_offset; /* of pwrite(2), moved on; NULL: write(2) */
	int cancel;	      /* sendfile(2) is a cancellation point, which it is not by itself */
};

/*
 * Send up to `length` bytes at `offset` of the file from the image to `transfer->out`, with the
 * system call that `way` names; where references to pages of the image must not leave it
 * (options.sendfile is 0, or its file system does not detach pages) sendfile() becomes write().
 * The region is pinned for the length of each call. Returns the count, short where the call's own
 * is; 0 at or beyond the end that was known at open.
 * -ENODATA: not possible now (the bytes cannot be stored, for one): nothing was sent, read and
 * write them instead.
 * -ESTALE: as rawcache_file_read(). Other errors are those of the system call.
 */
ssize_t rawcache_file_transfer(struct rawcache *cache, uint64_t file, int fd,
			       const struct rawcache_transfer *transfer, uint64_t offset,
			       size_t length);

/* The size from which reads and writes are worth mapping and sending, in bytes. */
uint64_t rawcache_mmap_threshold(const struct rawcache *cache);

/*
 * Fix that size for all processes that use the image, until the machine is
 * started again: bytes, RAWCACHE_AUTO to follow the measured costs, or 0 for what each was
 * attached with. -EROFS.
 */
int rawcache_set_mmap_threshold(struct rawcache *cache, uint64_t bytes);

/*
 * Put what the cache has of the file in place of [*address, *address + length), where the caller has
 * mapped the file itself, from `offset` (a multiple of the page size) on: pages of the image,
 * private, with protection `prot`, in at most 1024 pieces. `flags` are those of mmap(2): with MAP_FIXED
 * they lie where the caller's mapping is, otherwise *address may become another address; the
 * caller's mapping is then the cache's to keep. What is missing is fetched: all of it with MAP_POPULATE,
 * or what a second brings of up to 64 MiB. The rest stays a mapping of the file, and so do pages
 * beyond its end; what the program touches of it is fetched and stored for others by a
 * helper thread, until the range is given back. Returns
 * the bytes that are the image's now; their regions are held until exit or
 * exec. A fork child holds them anew. Thread-safe.
 */
uint64_t rawcache_file_map(struct rawcache *cache, uint64_t file, int fd, void **address,
			   size_t length, int prot, int flags, uint64_t offset);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
