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
	int out;            /* descriptor */
	unsigned int flags; /* of splice(2) */
	uint64_t *out_offset; /* of pwrite(2), moved on; NULL: write(2) */
	int cancel;         /* sendfile(2) is a cancellation point, which it is not by itself */
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
 * The same for bytes that a program has in memory and that should be those of the file, one piece
 * of them: they are compared with the cache before it is sent. A count says with *length how long
 * the piece was that was tried; if the count is less, the system call ended early. -ENODATA: they
 * differ, or are not cached, or may not be sent by reference. Never fetches.
 */
ssize_t rawcache_file_transfer_same(struct rawcache *cache, uint64_t file,
				    const struct rawcache_transfer *transfer, const void *bytes,
				    uint64_t offset, size_t *length);

/*
 * The same for bytes that lie in pages which rawcache_file_map() laid. Pages that never could be
 * written to hold what they held: only the ends are compared then, which finds others that were
 * mapped in their place by a system call that nobody saw, and all the caller need do is to announce
 * those that it sees: rawcache_maps_take() and rawcache_maps_protect().
 */
ssize_t rawcache_maps_transfer(struct rawcache *cache, const struct rawcache_transfer *transfer,
			       const void *bytes, size_t *length);

/*
 * A transfer that a signal handler left by siglongjmp(), or in which the thread was cancelled, goes
 * on holding a region and a file. This gives back what such a call of the calling thread holds; the
 * next transfer of the thread does so, too. Not while a call of the thread is at work.
 */
void rawcache_thread_recover(void);

/* The size from which reads and writes are worth mapping and sending, in bytes. */
uint64_t rawcache_mmap_threshold(const struct rawcache *cache);

/* The same as it was set, or RAWCACHE_AUTO. */
uint64_t rawcache_mmap_threshold_fixed(const struct rawcache *cache);

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
 * helper thread, until rawcache_maps_take() is told of the range. Returns
 * the bytes that are the image's now; their regions are held until rawcache_maps_drop(), exit or
 * exec. A fork child holds them anew. Thread-safe.
 */
uint64_t rawcache_file_map(struct rawcache *cache, uint64_t file, int fd, void **address,
			   size_t length, int prot, int flags, uint64_t offset);

/*
 * mlockall(), called as lock(flags): all of the program's memory, but not the whole image, which is
 * mapped. Reads of other threads may go to the origin meanwhile.
 */
int rawcache_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags);

/* How many helper threads the cache has now: each ends when it has had nothing to do for a while. */
unsigned int rawcache_helper_threads(void);

/*
 * Wait a while for what was read and is not stored yet, at most 2 s: before the process ends without
 * exit(), or becomes another program. Async-signal-safe.
 */
void rawcache_settle(void);

/* The one that watches what programs touch of their mappings has nothing to do from now on. */
void rawcache_helpers_dismiss(void);

/* Whether the range may have such pages: two comparisons. */
bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length);

/*
 * Around what unmaps or replaces a range: take the notes of pages in it before, and drop the
 * holds after, or put the notes back if nothing was unmapped; `by` is how many bytes farther the
 * range lies now, if it was moved. The pointer is the library's, and may be NULL.
 */
void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length);
void rawcache_maps_drop(struct rawcache *cache, void *taken);
void rawcache_maps_put(struct rawcache *cache, void *taken, ptrdiff_t by);

/* Where in the taken pages the next piece begins or ends, behind `address`; NULL: nowhere. */
const void *rawcache_maps_edge(const void *taken, const void *address);

/*
 * Before mprotect(2) of the range to `prot`: what becomes writable is not known any more. -EACCES:
 * a shared mapping of a file that is open for reading does not become writable.
 */
int rawcache_maps_protect(struct rawcache *cache, const void *address, size_t length, int prot);

/*
 * A SIGBUS at `address`: if it is a page of the image in such a mapping (its disk fails, somebody
 * truncated it), the origin's page takes its place and true is returned: return from the handler,
 * the cache switches itself off. Not for SIGSEGV, which is the program's own. Async-signal-safe.
 */
bool rawcache_maps_fault(void *address);

/* A file as it is mapped. */
struct rawcache_mapped {
	uint64_t device, inode; /* major << 32 | minor, as in struct statx */
	uint64_t offset;
	int prot; /* of all of it, as far as is known */
	int type; /* MAP_SHARED or MAP_PRIVATE, as the program wanted it */
	const void *origin; /* where a page of the file itself is mapped; NULL: not known */
};

/*
 * Whether pages of the image lie in the range, and what the file's page at its beginning is: 1, or 0.
 * -EFAULT: they cannot all belong to one mapping.
 */
int rawcache_maps_find(struct rawcache *cache, const void *address, size_t length,
		       struct rawcache_mapped *mapped);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
