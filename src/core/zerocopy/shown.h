/* SPDX-License-Identifier: MIT */
/*
 * Files that this process has mapped from the image, each in the state that it had then. When one changes,
 * or somebody is about to change it, the origin's pages replace the image's. Pages that the program may
 * have written are private to it and stay: it is unspecified what a private mapping shows of later changes.
 * If a writer is known when they are mapped, the image is not used.
 */
#ifndef CORE_SHOWN_H
#define CORE_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "core/shared/cache.h"

struct file;
struct statx;

struct shown {
	struct shown *next; /* under the lock of map_table.h, as are all fields that change */
	/* generation of the file's writers, and its value when the entry was made */
	const uint32_t *writer;
	uint32_t writer_seen;
	/* of pieces, of threads that make them, and of threads that check them */
	uint32_t references;
	bool ended; /* the image's pages do not show the file any more */
	bool local; /* the kernel has its attributes: checking them asks no server */
	uint64_t device, inode, size;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint64_t
		asked_ms; /* clock_coarse_ms() when the kernel was asked for the path and for `local` */
	size_t path_bytes; /* with the terminating zero */
	char path[];	   /* at which it was opened */
};

/* All under the lock of map_table.h. */

/* The entry of a file, with a reference; NULL: there is none, or a writer could not be detected. */
struct shown *shown_of(struct rawcache *cache, const struct file *file, uint32_t seen);
/* Make it. NULL: a writer could not be detected, or there is no memory. */
struct shown *shown_make(struct rawcache *cache, const struct file *file, uint32_t seen,
			 const char *path, size_t path_bytes);
struct shown *shown_more(struct shown *shown);
void shown_less(struct rawcache *cache, struct shown *shown);

/* Call when the cache is closed, without the lock. */
void shown_end(struct rawcache *cache);

bool shown_is_inode(const struct shown *shown, const struct statx *stx);
bool shown_same(const struct shown *shown, const struct statx *stx);

/* Whether a change was announced since the entry was made. */
static inline bool shown_written(const struct shown *shown)
{
	return load_acquire(shown->writer) != shown->writer_seen;
}

/* The answer may be outdated when it returns. */
static inline bool shown_any(const struct rawcache *cache)
{
	return load_relaxed(&cache->maps.shown) != NULL;
}

#endif
