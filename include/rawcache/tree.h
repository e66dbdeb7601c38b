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

struct rawcache_cached_file {
	const char *path;    /* canonical; valid during the call */
	uint64_t size;	     /* of the file, bytes */
	uint64_t cached;     /* of these, in the cache */
	int64_t mtime_sec;   /* of the state of the file that is cached: an older one that was */
	uint32_t mtime_nsec; /* replaced meanwhile is listed as well, until it is recycled */
	/*
	 * Bytes that were read from the cache after they were stored: once for each process, and for three
	 * of them at most. Known since the machine was started. Since 0.2.0.
	 */
	uint64_t reread;
};

/*
 * Call `visit` for every file, in no order; returning false stops. -ENOMEM. Programs may use
 * the cache meanwhile.
 */
int rawcache_list(struct rawcache *cache,
		  bool (*visit)(void *arg, const struct rawcache_cached_file *file), void *arg);

/*
 * Forget the file at the canonical `path`, or all files below it: *files and *bytes tell how
 * much that was. A program that has such a file open may go on to read it from the image
 * until the space is used again; the bytes are as right as before. -EAGAIN: some of it is still
 * there, because a stopped process keeps others from changing it. `progress` may be NULL; returning
 * false stops.
 */
int rawcache_drop_path(struct rawcache *cache, const char *path, uint64_t *files, uint64_t *bytes,
		       bool (*progress)(void *arg, uint64_t done, uint64_t total), void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
