/* SPDX-License-Identifier: MIT */
/*
 * Cached files without copies: transfers inside the kernel, and mappings.
 *
 * They work on the handles of file.h. Where bytes are not in the cache yet they are fetched and
 * stored first, as a read would do.
 */
#ifndef RAWCACHE_ZEROCOPY_H
#define RAWCACHE_ZEROCOPY_H

#include <sys/types.h>

#include <rawcache/file.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum rawcache_transfer_way { RAWCACHE_TRANSFER_SENDFILE, RAWCACHE_TRANSFER_SPLICE };

/* Where bytes go. */
struct rawcache_transfer {
	enum rawcache_transfer_way way;
	int out;            /* descriptor */
	unsigned int flags; /* of splice(2) */
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

/*
 * The same for bytes that a program has in memory and that should be those of the file: they
 * are compared with the cache before each piece is sent, and the transfer ends where they differ
 * (-ENODATA if that is at once). Never fetches.
 */
ssize_t rawcache_file_transfer_same(struct rawcache *cache, uint64_t file,
				    const struct rawcache_transfer *transfer, const void *bytes,
				    uint64_t offset, size_t length);

/* The size from which reads and writes are worth mapping and sending, in bytes. */
uint64_t rawcache_mmap_threshold(const struct rawcache *cache);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
