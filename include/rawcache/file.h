/* SPDX-License-Identifier: MIT */
/*
 * Reading origin files through the cache.
 *
 * The caller opens the origin file itself, with its own rights, and keeps the descriptor: the
 * cache reads the origin through it and never opens a path. A file handle is a number, not a
 * pointer: using one that was put away is an error (-ESTALE), never a crash, so a reader needs
 * no lock against a closing thread.
 *
 *	struct statx stx;               // of fd, STATX_BASIC_STATS | STATX_MNT_ID
 *	uint64_t file;
 *	rawcache_file_open(cache, fd, path, &stx, &file, NULL);
 *	n = rawcache_file_read(cache, file, fd, buf, len, offset);
 *	rawcache_file_put(cache, file);
 */
#ifndef RAWCACHE_FILE_H
#define RAWCACHE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include <rawcache/rawcache.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct statx;

/* A handle that no file has: each function treats it as a stale one. */
#define RAWCACHE_NO_FILE UINT64_C(0)

/*
 * Make a regular file known to the cache. Opening the same unchanged file again gives a handle of the
 * same object: what the process learned about its chunks is kept.
 *
 * @fd: the file, opened for reading by the caller, who keeps it
 * @path: its canonical absolute path, as /proc/self/fd shows it
 * @stx: its attributes (STATX_BASIC_STATS | STATX_MNT_ID), read after it was opened
 * @file: gets the handle; each success must be followed by one rawcache_file_put()
 * @reason: gets why the file is not cached; may be NULL
 *
 * Returns 0.
 * Errors:
 * -EAGAIN: the file changed too recently to be cached; try again after options.settle_ms
 * -ENODATA: the file is empty
 * -E...: others: see *reason
 */
int rawcache_file_open(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
		       uint64_t *file, enum rawcache_reason *reason);

/* Put a handle away. It is stale afterwards; one that is stale already is ignored. */
void rawcache_file_put(struct rawcache *cache, uint64_t file);

/* Returns the size in bytes that the file had when it was opened; 0 for a stale handle. */
uint64_t rawcache_file_size(struct rawcache *cache, uint64_t file);

/*
 * Read from the cache, or from the origin, which is stored then. No system call, lock or shared store is made
 * when the bytes are cached and resident.
 *
 * @fd: the origin, as in rawcache_file_open()
 * @buf, len: where the bytes go, and how many at most
 * @offset: of the first byte in the file
 *
 * Returns the count: short only at the end of the file, or where an error cut it off; 0 at or beyond the
 * end that was known at open: confirm it with the origin.
 * Errors:
 * -ESTALE: the file may have changed, or the handle was put away: open again with fresh attributes
 * -EFAULT: `buf` is not writable
 * -E...: others are the origin's
 * Signals: may be called in a signal handler.
 */
ssize_t rawcache_file_read(struct rawcache *cache, uint64_t file, int fd, void *buf, size_t len,
			   uint64_t offset);

/* What the cache holds of a file in its present state. */
struct rawcache_file_state {
	uint64_t key[2];	/* high and low half of the key: another after each change */
	uint64_t size;		/* of the file, bytes */
	uint64_t chunk_size;	/* bytes; the last chunk may be shorter */
	uint64_t chunks;	/* that the file has */
	uint64_t chunks_cached; /* wholly */
	uint64_t bytes_cached;	/* in them, and in parts of others */
	uint64_t stored;	/* when the oldest of them was, seconds since the epoch; 0: none */
};

/*
 * Find out what is cached of the file behind `fd`. Reads neither the file nor its extents, and changes
 * nothing: an extent that a reader would verify first, and find damaged, counts as cached. Takes time in
 * proportion to the file's size.
 *
 * @state: gets what is cached
 *
 * Returns 0. The other parameters and the errors are those of rawcache_file_open().
 */
int rawcache_file_explain(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
			  struct rawcache_file_state *state, enum rawcache_reason *reason);

/*
 * Announce how the file is going to be read, as to posix_fadvise().
 *
 * @offset, len: the range, in bytes; `len` 0: to the end
 * @advice: POSIX_FADV_NORMAL, _SEQUENTIAL and _RANDOM hold for the whole file from now on;
 * POSIX_FADV_WILLNEED begins to read the range, as far as there is room, without waiting for it; others do
 * nothing
 */
void rawcache_file_advise(struct rawcache *cache, uint64_t file, int fd, uint64_t offset,
			  uint64_t len, int advice);

/*
 * Count what is cached of a range. Reads nothing, and changes nothing.
 *
 * @offset, len: the range, in bytes
 *
 * Returns the number of its bytes that are cached; 0 for a stale handle.
 */
uint64_t rawcache_file_cached(struct rawcache *cache, uint64_t file, uint64_t offset, uint64_t len);

/*
 * Tell the readers in all processes that a file is being changed: they look at its attributes again before the
 * next byte, and what they have mapped of it is the origin's again. Call it before and after each change.
 * Waits up to a second for a process that has mapped the file and is stopped.
 *
 * @stx: stx_ino and the device count
 */
void rawcache_file_changed(struct rawcache *cache, const struct statx *stx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
