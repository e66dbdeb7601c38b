/* SPDX-License-Identifier: MIT */
/*
 * Which files are cached, by name. The image remembers the path under which a file was first
 * stored; a file whose name was recycled before its bytes is not listed until more of it is
 * stored.
 */
#ifndef RAWCACHE_TREE_H
#define RAWCACHE_TREE_H

#include <rawcache/rawcache.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A file that is cached, in whole or in part. */
struct rawcache_cached_file {
	const char *path;    /* canonical; valid during the call */
	uint64_t size;	     /* of the file, bytes */
	uint64_t cached;     /* of these, in the cache */
	int64_t mtime_sec;   /* of the state of the file that is cached: an older one that was */
	uint32_t mtime_nsec; /* replaced meanwhile is listed as well, until it is recycled */
	/*
	 * Bytes that were read from the cache after they were stored: once for each process, and for three
	 * of them at most. Known since the machine was started.
	 */
	uint64_t reread;
};

/*
 * List the files that are cached, in no order. Programs may use the cache meanwhile.
 *
 * @visit: called for each; returning false stops
 * @arg: for `visit`
 *
 * Returns 0, also when it was stopped.
 */
int rawcache_list(struct rawcache *cache,
		  bool (*visit)(void *arg, const struct rawcache_cached_file *file), void *arg);

/*
 * Forget a file, or all files below a directory. A program that has such a file open may go on to read it
 * from the image until the space is used again; the bytes are as right as before.
 *
 * @path: canonical
 * @files, bytes: get how much was forgotten
 * @progress: called with a position in the index and the index's length, both in entries; returning false stops;
 * may be NULL
 * @arg: for `progress`
 *
 * Returns 0, also when it was stopped.
 * Errors:
 * -EAGAIN: a process that was stopped in the middle of a change keeps others from it; some of it is still there
 */
int rawcache_drop_path(struct rawcache *cache, const char *path, uint64_t *files, uint64_t *bytes,
		       bool (*progress)(void *arg, uint64_t done, uint64_t total), void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
