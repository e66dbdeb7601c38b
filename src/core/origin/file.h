/* SPDX-License-Identifier: MIT */
/*
 * What this process knows of an origin file: its key, its size, and the places of the chunks that it has
 * seen.
 *
 * An object lives from the first rawcache_file_open() of that state of the file. When nobody has it open
 * any more it is kept, idle, for the next open, until its place is needed. Its memory stays mapped and
 * stays a struct file for ever: readers use it without a reference, and compare the serial number
 * afterwards.
 */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/file.h>

#include "base/compiler.h"
#include "core/shared/cache.h"
#include "core/image/key.h"
#include "core/image/place.h"
#include "core/origin/doubt.h"
#include "core/origin/reader.h"

/*
 * What is known of a chunk. `place`: bit 63 valid, 62..32 the region's generation (31 bits), 31..0 its
 * page. `resident`: a bit for each page that this process has seen in memory. A chunk that this process
 * fetched and has not read again is fresh instead: bit 62 is set, and the low half holds the end of its
 * last read. It counts as visited when a byte of it is read for the second time, however small the pieces
 * in which it is read.
 */
struct chunk {
	uint64_t place;
	uint64_t resident;
};

#define FILE_DEAD UINT32_MAX /* no count of references: each takes memory */

struct file {
	uint32_t serial;     /* changes when the object stands for another file */
	uint32_t references; /* FILE_DEAD: it is being ended, or stands for no file */
	uint64_t size;
	/* address of the table | log2 of its entries: one word, which is read at once */
	uint64_t chunks;
	/* generation of the file's writers, and its value when the file was opened */
	const uint32_t *writer;
	uint32_t writer_seen;
	uint32_t doubt_seen, changes_seen;
	/* reasons to look at the attributes again, and their number when they were read */
	struct doubt *doubt;
	uint32_t number; /* of this object */
	/* when attributes were last asked for that were the file's: clock_mono_ns() */
	uint64_t vouched_ns;
	struct key key;
	struct identity identity;   /* its path is `path` below */
	uint64_t inode, device;	    /* of the file that is open now: both may be others next time */
	struct file_link *link;	    /* its entry in the table of identities */
	uint32_t fetching;	    /* references of reads ahead, for which nobody waits */
	uint32_t direct_ok;	    /* its bytes may be read around the page cache: on FUSE */
	uint32_t opened_by_helpers; /* helper threads have a description of their own of it */
	uint32_t paged; /* the kernel may have pages of it that are older than its attributes */
	char *path;	/* or NULL; the path at which it was opened: for confirm_by_path() */
	uint32_t name_stored; /* its name is stored in the image, or cannot be */
	uint32_t idle;	      /* see idle.h */
	struct file *idle_next;
	bool reopened; /* since it became idle */
	struct ahead ahead;
	struct disk_stream disk_stream;
	struct tier_memory tier;
};

/*
 * The object behind a handle and its parts; NULL for a stale handle. Takes no reference: file_is() must
 * confirm everything that is read from it.
 */
#define FILE_PAGE 256u
#define FILE_PAGES 4096u

static inline struct file *file_at(const struct rawcache *cache, uint64_t handle)
{
	uint32_t number = (uint32_t)handle - 1;
	struct file *page;

	if (number >= FILE_PAGES * FILE_PAGE || !(handle >> 32))
		return NULL;
	page = load_acquire(&cache->file_pages[number / FILE_PAGE]);
	if (!page || load_acquire(&page[number % FILE_PAGE].serial) != (uint32_t)(handle >> 32))
		return NULL;
	return &page[number % FILE_PAGE];
}

static inline uint64_t file_handle(const struct file *file)
{
	return (uint64_t)load_relaxed(&file->serial) << 32 | (file->number + 1);
}

static inline bool file_is(const struct file *file, uint64_t handle)
{
	fence_acquire(); /* orders the reads before this look; pairs with the release in file_end() */
	return load_relaxed(&file->serial) == (uint32_t)(handle >> 32);
}

/* Take a reference that lasts through a miss. False: the handle is stale. */
bool file_hold(struct rawcache *cache, struct file *file, uint64_t handle);
void file_release(struct rawcache *cache, struct file *file);

/* Call `each` with all objects, also those that nobody has open, under the table's lock: it must not block. */
void files_each(struct rawcache *cache, void (*each)(struct rawcache *cache, struct file *file));

/* The caller holds a reference: take or release another one, for a read ahead. */
void file_share(struct file *file);
void file_unshare(struct rawcache *cache, struct file *file);

/* Whether the program has the file open. The answer may be outdated when it returns. */
static inline bool file_is_open(const struct file *file)
{
	return load_relaxed(&file->references) != load_relaxed(&file->fetching);
}

/* The number of chunks in file->chunks, and the first chunk. */
static inline uint64_t chunks_count(uint64_t word)
{
	return UINT64_C(1) << (word & 63);
}

static inline struct chunk *chunks_table(uint64_t word)
{
	return (struct chunk *)(uintptr_t)(word & ~UINT64_C(63));
}

/* The chunk's memory; NULL: no table, because there was no memory or the handle is stale. */
static inline struct chunk *file_chunk(const struct file *file, uint64_t number)
{
	uint64_t word = load_acquire(&file->chunks);
	struct chunk *table = chunks_table(word);

	return table && number < chunks_count(word) ? &table[number] : NULL;
}

/*
 * Behind the chunks of a large file: the place of each group of chunks that are known to lie side by side.
 * It has the form of `place` of the group's first chunk, and is as reliable.
 */
#define CHUNKS_GROUP 16u

static inline size_t chunks_bytes(uint64_t word)
{
	uint64_t n = chunks_count(word);

	return n * sizeof(struct chunk) + n / CHUNKS_GROUP * sizeof(uint64_t);
}

static inline uint64_t *file_group(const struct file *file, uint64_t number)
{
	uint64_t word = load_acquire(&file->chunks);
	uint64_t n = chunks_count(word);
	struct chunk *table = chunks_table(word);

	return table && number / CHUNKS_GROUP < n / CHUNKS_GROUP ?
		       (uint64_t *)(table + n) + number / CHUNKS_GROUP :
		       NULL;
}

/* The chunk was fetched and read up to `end`. The caller holds a reference (INV-5). */
static inline void chunk_fresh(const struct file *file, uint64_t number, uint32_t end)
{
	struct chunk *chunk = file_chunk(file, number);

	if (!chunk)
		return;
	store_relaxed(&chunk->resident, 0);
	store_relaxed(&chunk->place, CHUNK_FRESH | end);
}

/* The count of writers of the file with these attributes; some files share one. NULL: there is none. */
uint32_t *file_writer(const struct rawcache *cache, const struct statx *stx);

/* Whether a program under the cache may have changed the file since it was opened. */
static inline bool file_announced(const struct file *file)
{
	return load_acquire(load_relaxed(&file->writer)) != load_relaxed(&file->writer_seen);
}

/* The same, or this process has another reason to look at its attributes again. */
static inline bool file_written(const struct file *file)
{
	return file_announced(file) ||
	       load_acquire(&load_relaxed(&file->doubt)->count) != load_relaxed(&file->doubt_seen);
}

/* Whether this process has seen another version of the file since then. */
static inline bool file_changed(const struct file *file)
{
	return load_acquire(&load_relaxed(&file->doubt)->changes) !=
	       load_relaxed(&file->changes_seen);
}

/*
 * Report that the file behind `fd` is not what this object describes: a reader must open it again first.
 * Does nothing if the descriptor's number has become another file's.
 */
void file_over(const struct file *file, int fd);

/*
 * Look at the attributes, for a caller that holds the file and is no reader: this process had a reason to
 * look, and nobody has written. Returns true if the file is unchanged; the reason is settled then.
 */
bool file_look(struct rawcache *cache, const struct file *file, int fd);

/*
 * Whether `fd` is the file, unchanged, as this object describes it. Must be asked before and after its
 * bytes are read for storing. It must also be the same inode of the same file system: another thread may
 * have closed the descriptor, and its number may have become another file's.
 */
bool file_unchanged(const struct file *file, int fd);

/*
 * Whether these attributes are those of the object, of the same inode, and neither has a program under the cache
 * announced a change nor this process seen one. A mere reason to look at them, like a lock that was granted, does not
 * count: if they were asked of the server, this was that look.
 */
bool file_is_as(const struct file *file, const struct statx *stx);

/*
 * `idle_now` is called without a lock when the last reference that is no read ahead is released: reads
 * ahead of that file are in vain from then on. 0, or -ENOMEM.
 */
int files_init(struct rawcache *cache, void (*idle_now)(struct file *file));
void files_fini(struct rawcache *cache);
void files_fork_prepare(struct rawcache *cache);
void files_fork_release(struct rawcache *cache);

#endif
