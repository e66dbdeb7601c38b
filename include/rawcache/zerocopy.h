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

/* The system call of a transfer. */
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
 * Send bytes of a file from the image. Where references to pages of the image must not leave it
 * (options.sendfile is 0, or its file system does not detach pages) sendfile() becomes write().
 *
 * @file, fd: as in rawcache_file_read()
 * @transfer: where the bytes go, and by which system call
 * @offset, length: the range of the file, in bytes
 *
 * Returns the count, short where that of the system call is; 0 at or beyond the end that was known at open.
 * Errors:
 * -ENODATA: not possible now, for example because the bytes cannot be stored. Nothing was sent: read and write
 * them instead
 * -ESTALE: as in rawcache_file_read()
 * -E...: others are those of the system call
 */
ssize_t rawcache_file_transfer(struct rawcache *cache, uint64_t file, int fd,
			       const struct rawcache_transfer *transfer, uint64_t offset,
			       size_t length);

/* Returns the size from which a read is copied out of the mapping, and a write is sent from the image, in bytes. */
uint64_t rawcache_mmap_threshold(const struct rawcache *cache);

/*
 * Fix that size for all processes that use the image, until the machine is started again.
 *
 * @bytes: the size; RAWCACHE_AUTO: follow the measured costs; 0: what each process was attached with
 *
 * Returns 0.
 * Errors:
 * -EROFS: the image is open for reading only
 */
int rawcache_set_mmap_threshold(struct rawcache *cache, uint64_t bytes);

/*
 * Put pages of the image, private to the process, in the place of a file's own in a mapping that the caller
 * has made: at most 1024 pieces. What is missing is fetched: all of it with MAP_POPULATE, else what a second
 * brings of up to 64 MiB. The rest stays a mapping of the file, and so do pages beyond its end; what the program
 * touches of it is fetched and stored for others by a helper thread, until the range is given back. The regions
 * are held until exit or exec; a child of fork() holds them anew.
 *
 * @file, fd: as in rawcache_file_read()
 * @address: of the caller's mapping of the file; without MAP_FIXED it may get another address, and the
 * caller's mapping is then the cache's
 * @length: of the mapping, in bytes
 * @prot: its protection
 * @flags: those of mmap(2)
 * @offset: in the file, of its first byte: a multiple of the page size
 *
 * Returns the number of bytes that are the image's now; 0: nothing was changed.
 */
uint64_t rawcache_file_map(struct rawcache *cache, uint64_t file, int fd, void **address,
			   size_t length, int prot, int flags, uint64_t offset);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
