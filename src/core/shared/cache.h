/* SPDX-License-Identifier: MIT */
/*
 * struct rawcache: one attached image in one process, and the order of its parts.
 *
 *	image    the mapped file			image.h
 *	runtime  shared memory of all its users		runtime.h
 *	process  our slot in it				process.h
 *	files    what this process knows of origin files	file.h
 *
 * Locks nest as docs/architecture.md ("Lock order") draws it. None is held during I/O; folding a dead process makes
 * a few fcntl calls under process_lock.
 */
#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include <pthread.h>

#include <rawcache/rawcache.h>

#include "base/compiler.h"
#include "base/stats.h"
#include "core/image/image.h"
#include "core/shared/embedded.h"
#include "core/shared/runtime.h"

struct files;
struct statx;
struct watch_counts;

/* The thread of watcher.h. */
enum { WATCHER_NONE, WATCHER_WANTED, WATCHER_PAUSES, WATCHER_LEAVES };

#define SLOT_NONE (-1)	/* slots are numbered from 0 */
#define SLOT_LATER (-2) /* a fork child that has not needed a slot yet */

/* Our row of one kind of holds: see region_hold.h. */
struct hold_set {
	uint32_t *counts; /* how many holds each bit of the row stands for */
	uint32_t bits;	  /* how many bits are set */
	/* how many were set at the last full count of all rows; lowered as holds are released */
	uint32_t looked;
};

/*
 * How much of the image is in the page tables for reads: resident.h. A block is what one entry of the page tables
 * may map.
 */
struct resident {
	uint8_t *blocks; /* for each block of the image, whether it is in; NULL: none ever was */
	uint32_t count;	 /* of those that are */
	uint32_t hand;	 /* the block to be looked at next when one must go */
	uint32_t busy;
	uint64_t after_ns; /* of clock_mono_ns(): until then none goes */
};

/* Grouped by the rooms that read and write the fields. */
struct rawcache {
	struct image image;
	struct runtime runtime; /* header NULL: none (read-only without access to it) */
	struct rawcache_options options;
	uint32_t chunk_bytes;
	uint8_t chunk_shift; /* log2 of chunk_bytes: a division takes as long as a small copy */
	bool tier;	     /* options.tier is set: paths of files are kept */
	bool trusting; /* entries of the present epoch need no verification: see cache_trusted() */
	struct rawcache *next; /* the next cache of the process: api/list.h */

	/* shared/slot.h, process.h: what this process has in the segment */
	int32_t slot;	     /* SLOT_NONE: this process can neither pin nor store */
	int32_t pid;	     /* the process for which the slot was taken */
	void *slot_keeper;   /* a mapping that keeps the slot's lock: see process.c */
	uint64_t blocks_out; /* how many stats blocks threads of this process use */
	struct stats_provider provider;
	pthread_mutex_t process_lock;

	/* shared/storage.h: the image's disk */
	uint32_t broken;	  /* the image's storage failed: use the origin */
	uint32_t broken_pause_ms; /* the pause after the last failure; 0: none since it worked */
	uint64_t broken_until_ms; /* clock_coarse_ms() */
	uint32_t storage_errors;  /* in a row */
	/* numbers of the ranges below that were begun and that have ended */
	uint32_t writeback_begun, writeback_ended;
	uint64_t writeback[64]; /* ranges on their way to the disk: offset | MiB */
	/* descriptor of the image with O_DIRECT, + 1; 0: not opened yet; -1: O_DIRECT does not work */
	int32_t direct_fd;

	/* shared/pin.h, region_hold.h: regions that must not be recycled */
	uint64_t pins_used; /* bitmap of slot->pin taken by threads of this process */
	struct hold_set holds[HOLD_SETS];
	/* clock_coarse_ms() at the last search for dead processes that hold regions */
	uint64_t reaped_ms;

	/* shared/watch.h: the files that this process maps from the image and writes to */
	pthread_mutex_t watch_lock;	   /* may be taken under maps.lock */
	struct watch_counts *watch_counts; /* NULL: nothing counted yet */

	/* space/region.h */
	/* clock_coarse_ms(): until then no call waits for a clean region: see region_alloc_most() */
	uint64_t vain_until_ms;

	/* origin/file.h */
	struct files *files;
	struct file **file_pages; /* of `files`: see file_at() */

	/* read/chunk.h, copy_policy.h, resident.h */
	uint8_t memo; /* locations of chunks may be remembered between reads */
	struct copy_policy_costs copy_costs;
	struct resident resident;

	/* zerocopy/map_table.h, shown.h, watcher.h */
	struct maps maps;
	/*
	 * Called to withdraw the mappings of files; set while files are mapped from the image (shown.h).
	 * NULL: there never were any.
	 */
	void (*withdraw)(struct rawcache *cache);
	void (*learn)(struct rawcache *cache, const struct statx *stx);
	uint32_t watcher;
	/* number of the thread that `watcher` stands for: one that has paused may still exist */
	uint32_t watcher_number;
	uint32_t watcher_threads; /* threads that may touch the cache, queued ones included */
};

/* The image's epoch; 0: its disk lost writes, and no new epoch has begun. */
static inline uint64_t cache_epoch(const struct rawcache *cache)
{
	return cache->runtime.header ? load_acquire(&cache->runtime.header->epoch) :
				       cache->image.sb.epoch;
}

/* The epoch, as in entries, whose entries need no verification; 0: there is none. */
static inline uint32_t cache_trusted(const struct rawcache *cache)
{
	uint64_t epoch = cache->trusting ? cache_epoch(cache) : 0;

	return epoch ? format_epoch(epoch) : 0;
}

/*
 * Another thread may close or dup2() over `fd` at any time, and even switch it back. Data that is read through `fd`
 * belongs to the expected file only if number_now(fd) is equal and not 0 before and after, and a statx() in between
 * matched. 0: `fd` is being replaced.
 */
#define NUMBER_OWN 1u
static inline uint32_t number_now(const struct rawcache *cache, int fd)
{
	return cache->options.number ? cache->options.number(fd) : NUMBER_OWN;
}

static inline bool number_same(const struct rawcache *cache, int fd, uint32_t before)
{
	return before && number_now(cache, fd) == before;
}

static inline struct process_slot *cache_slot(const struct rawcache *cache)
{
	return &cache->runtime.slots[cache->slot];
}

#endif
