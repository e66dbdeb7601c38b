/* SPDX-License-Identifier: MIT */
/*
 * What this process knows of an origin file: its key, its size, and where the chunks lie that
 * it has seen. An object lives from the first rawcache_file_open() of that state of the file;
 * when nobody has it open any more it is kept, idle, for the next open, until its place is
 * needed. Its memory stays mapped and stays a struct file for ever: readers use it without a
 * reference, and compare the serial number afterwards.
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
 * What is known of a chunk. `place`: bit 63 valid, 62..32 the region's generation (31 bits),
 * 31..0 its page. `resident`: a bit for each page that this process has seen in memory.
 *
 * A chunk that this process fetched itself, and has not read again, is fresh instead: bit 62, and
 * in the low half where the last read of it ended. It counts as visited when a byte of it is read
 * for the second time, however small the pieces that it is read in.
 */
struct chunk {
	uint64_t place;
	uint64_t resident;
};

#define FILE_DEAD UINT32_MAX

struct file {
	uint32_t serial;     /* changes when the object becomes another file's */
	uint32_t references; /* FILE_DEAD: it is being given up, or nobody's */
	uint64_t size;
	uint64_t chunks; /* address of the table | log2 of its entries: one word, read at once */
	const uint32_t *writer; /* generation of writers of this file, and what it was */
	uint32_t writer_seen;
	uint32_t doubt_seen;
	struct doubt *doubt; /* reasons to look at the attributes again, and how many there were */
	uint32_t number;     /* of this object */
	uint64_t vouched_ns; /* its attributes were the file's, asked for before: clock_mono_ns() */
	struct key key;
	struct identity identity; /* its path is `path` below */
	uint64_t inode, device;	  /* of the file as it is open now: both may be others next time */
	struct file_link *link;	  /* in the table of identities */
	uint32_t fetching;	  /* references that are reads ahead, which nobody waits for */
	uint32_t aside;		  /* its bytes may be read around the page cache: on FUSE */
	uint32_t helped;	  /* helper threads have a description of it that is theirs */
	uint32_t paged; /* the kernel may have pages of it that are older than its attributes */
	char *path;	/* or NULL; where it was opened: for confirm_by_path() */
	uint32_t named; /* its name is on the image, or cannot be */
	uint32_t idle;	/* see idle.h */
	struct file *idle_next;
	bool reopened; /* since it became idle */
	struct ahead ahead;
	struct cold cold;
	struct tier_memory tier;
};

/*
 * The object behind a handle and its parts; NULL for a stale one. Takes no reference:
 * file_is() must confirm everything read from it.
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

/* A reference that lasts through a miss; false: the handle is stale. */
bool file_hold(struct rawcache *cache, struct file *file, uint64_t handle);
void file_release(struct rawcache *cache, struct file *file);

/* The caller holds a reference: take another one for a read ahead, or release that. */
void file_share(struct file *file);
void file_unshare(struct rawcache *cache, struct file *file);

/* Whether the program has the file open. May be outdated when it returns. */
static inline bool file_is_open(const struct file *file)
{
	return load_relaxed(&file->references) != load_relaxed(&file->fetching);
}

/* Of file->chunks: how many there are, and the first. */
static inline uint64_t chunks_count(uint64_t word)
{
	return UINT64_C(1) << (word & 63);
}

static inline struct chunk *chunks_table(uint64_t word)
{
	return (struct chunk *)(uintptr_t)(word & ~UINT64_C(63));
}

/* The chunk's memory, or NULL (no table: no memory, or a stale handle). */
static inline struct chunk *file_chunk(const struct file *file, uint64_t number)
{
	uint64_t word = load_acquire(&file->chunks);
	struct chunk *table = chunks_table(word);

	return table && number < chunks_count(word) ? &table[number] : NULL;
}

/*
 * Behind the chunks of a large file: where a group of them lies, if its chunks are known to lie side by
 * side. As `place` of the first, and as true as that.
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

/* The caller holds a reference (INV-5). The chunk was fetched, and read up to `end`. */
static inline void chunk_fresh(const struct file *file, uint64_t number, uint32_t end)
{
	struct chunk *chunk = file_chunk(file, number);

	if (!chunk)
		return;
	store_relaxed(&chunk->resident, 0);
	store_relaxed(&chunk->place, CHUNK_FRESH | end);
}

/* Where the writers of the file with these attributes are counted: some files share one. NULL: nowhere. */
uint32_t *file_writer(const struct rawcache *cache, const struct statx *stx);

/*
 * Whether a program under our eyes may have changed the file since it was opened, or this process has
 * another reason to look at its attributes again.
 */
static inline bool file_written(const struct file *file)
{
	return load_acquire(load_relaxed(&file->writer)) != load_relaxed(&file->writer_seen) ||
	       load_acquire(&load_relaxed(&file->doubt)->count) != load_relaxed(&file->doubt_seen);
}

/*
 * The file behind `fd` is not what this object describes: whoever reads it has to open it again first.
 * Unless the descriptor's number has become another file's.
 */
void file_over(const struct file *file, int fd);

/*
 * A look at the attributes, for who holds the file and is no reader: this process had a reason for one, and nobody
 * has written. True: it is as it was, and the reason is answered.
 */
bool file_look(struct rawcache *cache, const struct file *file, int fd);

/*
 * Whether `fd` is the file, unchanged, as this object describes it: before its bytes are read
 * for storing, and after. It must be the same inode of the same file system, too: another
 * thread may have closed the descriptor, and its number may have become another file's.
 */
bool file_unchanged(const struct file *file, int fd);

/* Whether these attributes are its own, of the same inode. */
bool file_is_as(const struct file *file, const struct statx *stx);

/*
 * `idle_now` is called without a lock when the last reference that is no read ahead is given up: reads
 * ahead of that file are in vain from then on. 0, or -ENOMEM.
 */
int files_init(struct rawcache *cache, void (*idle_now)(struct file *file));
void files_fini(struct rawcache *cache);
void files_fork_prepare(struct rawcache *cache);
void files_fork_release(struct rawcache *cache);

#endif
