/* SPDX-License-Identifier: MIT */
#include "core/file.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/stats.h"
#include "core/fetch.h"
#include "core/origin.h"
#include "core/storage.h"

/* Tables of uthash live in our memory: the shim must not call malloc. */
#define uthash_malloc(n) memory_get(n)
#define uthash_free(p, n) memory_put(p, n)
#define uthash_fatal(message) __builtin_trap()
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define PAGE_FILES 256u
#define PAGES 4096u
#define IDLE_MAX 4096u
/* Two changes within a tick of the kernel's clock leave the same time behind. */
#define TICK_MS 20u
#define FUTURE_TRUST_NS (UINT64_C(3600) * 1000000000u)
#define CHUNKS_MAX (UINT64_C(1) << 32)

/* A file's entry in the table of identities, and in the queue of idle ones. */
struct file_link {
	struct key key;
	struct file *file;
	struct file_link *older, *newer; /* idle ones, least recently used first */
	UT_hash_handle hh;
};

struct files {
	pthread_mutex_t lock;
	struct file *page[PAGES];
	uint32_t count; /* objects ever made */
	struct file_link *by_key;
	struct file_link idle; /* head of a ring */
	uint32_t idle_count;
	uint32_t *free; /* stack of numbers of unused objects */
	uint32_t free_count, free_room;
};

static const uint32_t no_writer;

static void files_lock(struct files *files, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&files->lock);
}

static void files_unlock(struct files *files, struct critical *critical)
{
	pthread_mutex_unlock(&files->lock);
	critical_leave(critical);
}

int files_init(struct rawcache *cache)
{
	struct files *files = memory_get(sizeof(*files));

	if (!files)
		return -ENOMEM;
	pthread_mutex_init(&files->lock, NULL);
	files->idle.older = files->idle.newer = &files->idle;
	cache->files = files;
	return 0;
}

void files_fork_prepare(struct rawcache *cache)
{
	pthread_mutex_lock(&cache->files->lock);
}

void files_fork_release(struct rawcache *cache)
{
	pthread_mutex_unlock(&cache->files->lock);
}

/* --- objects */

struct file *file_at(const struct rawcache *cache, uint64_t handle)
{
	uint32_t number = (uint32_t)handle - 1;
	struct file *page;

	if (number >= PAGES * PAGE_FILES || !(handle >> 32))
		return NULL;
	page = load_acquire(&cache->files->page[number / PAGE_FILES]);
	if (!page || load_acquire(&page[number % PAGE_FILES].serial) != (uint32_t)(handle >> 32))
		return NULL;
	return &page[number % PAGE_FILES];
}

static struct file *file_new(struct files *files)
{
	uint32_t number;
	struct file *page;

	if (files->free_count) {
		number = files->free[--files->free_count];
		return &files->page[number / PAGE_FILES][number % PAGE_FILES];
	}
	number = files->count;
	if (number >= PAGES * PAGE_FILES)
		return NULL;
	page = files->page[number / PAGE_FILES];
	if (!page) {
		page = memory_map(PAGE_FILES * sizeof(struct file));
		if (!page)
			return NULL;
		store_release(&files->page[number / PAGE_FILES], page);
	}
	files->count++;
	page[number % PAGE_FILES].number = number;
	page[number % PAGE_FILES].serial = 1; /* no handle has a serial of 0 */
	return &page[number % PAGE_FILES];
}

/* Keep the number of an unused object; without memory for the stack it is merely lost. */
static void file_number_put(struct files *files, uint32_t number)
{
	if (files->free_count == files->free_room) {
		uint32_t room = files->free_room ? files->free_room * 2 : 256;
		uint32_t *grown = memory_get(room * sizeof(*grown));

		if (!grown)
			return;
		if (files->free)
			memcpy(grown, files->free, files->free_count * sizeof(*grown));
		memory_put(files->free, files->free_room * sizeof(*grown));
		files->free = grown;
		files->free_room = room;
	}
	files->free[files->free_count++] = number;
}

/* The object becomes nobody's. Readers that still look at it see the serial change. */
static void file_end(struct files *files, struct file *file)
{
	uint64_t chunks = file->chunks;
	uint32_t serial = file->serial + 1;

	store_release(&file->serial, serial ? serial : 1);
	store_release(&file->chunks, 0);
	if (chunks)
		memory_put(chunks_table(chunks), chunks_bytes(chunks));
	HASH_DEL(files->by_key, file->link);
	memory_put(file->link, sizeof(*file->link));
	file->link = NULL;
	file_number_put(files, file->number);
}

static void link_unqueue(struct files *files, struct file_link *link)
{
	if (!link->older)
		return;
	link->older->newer = link->newer;
	link->newer->older = link->older;
	link->older = link->newer = NULL;
	files->idle_count--;
}

static void link_queue(struct files *files, struct file_link *link)
{
	link->older = files->idle.older;
	link->newer = &files->idle;
	link->older->newer = link;
	files->idle.older = link;
	if (++files->idle_count > IDLE_MAX) {
		struct file_link *oldest = files->idle.newer;

		link_unqueue(files, oldest);
		file_end(files, oldest->file);
	}
}

bool file_hold(struct rawcache *cache, struct file *file, uint64_t handle)
{
	uint32_t references = load_relaxed(&file->references);

	/* an object that is open has references: none means that the handle is stale */
	while (references)
		if (cas(&file->references, &references, references + 1))
			break;
	if (!references)
		return false;
	if (load_acquire(&file->serial) == (uint32_t)(handle >> 32))
		return true;
	file_release(cache, file);
	return false;
}

/* All references that are left are those of reads ahead. */
static bool reference_is_fetch(const struct file *file, uint32_t references)
{
	return references && references == load_relaxed(&file->fetching);
}

/* Give a reference up; true when only reads ahead have the object now. */
static bool reference_put(struct rawcache *cache, struct file *file)
{
	uint32_t references = load_relaxed(&file->references);
	struct critical critical;

	while (references > 1)
		if (cas(&file->references, &references, references - 1))
			return reference_is_fetch(file, references - 1);
	/* the last one, most likely: only under the lock does an object become idle */
	files_lock(cache->files, &critical);
	references = load_relaxed(&file->references);
	if (references && fetch_sub(&file->references, 1) == 1)
		link_queue(cache->files, file->link);
	files_unlock(cache->files, &critical);
	return false;
}

void file_release(struct rawcache *cache, struct file *file)
{
	if (unlikely(reference_put(cache, file)))
		fetch_drop(file);
}

void file_share(struct file *file)
{
	fetch_add(&file->references, 1);
	fetch_add(&file->fetching, 1);
}

void file_unshare(struct rawcache *cache, struct file *file)
{
	fetch_sub(&file->fetching, 1);
	reference_put(cache, file);
}

void files_fini(struct rawcache *cache)
{
	struct files *files = cache->files;
	struct file_link *link;
	struct file_link *next;

	if (!files)
		return;
	HASH_ITER(hh, files->by_key, link, next)
		file_end(files, link->file);
	for (uint32_t i = 0; i < PAGES; i++)
		if (files->page[i])
			memory_unmap(files->page[i], PAGE_FILES * sizeof(struct file));
	memory_put(files->free, files->free_room * sizeof(*files->free));
	memory_put(files, sizeof(*files));
	cache->files = NULL;
}

/* --- identity */

static void identity_from(const struct statx *stx, const struct origin *origin,
			  const char *path, struct identity *identity)
{
	memset(identity, 0, sizeof(*identity));
	identity->path = path;
	identity->origin[0] = origin->id[0];
	identity->origin[1] = origin->id[1];
	identity->inode = origin->unstable_inodes ? 0 : stx->stx_ino;
	identity->size = stx->stx_size;
	identity->mtime_sec = stx->stx_mtime.tv_sec;
	identity->mtime_nsec = stx->stx_mtime.tv_nsec;
	identity->ctime_sec = stx->stx_ctime.tv_sec;
	identity->ctime_nsec = stx->stx_ctime.tv_nsec;
}

/* Whether a change within the last `window_ms` would not show in the time `sec`, `nsec`. */
static bool time_recent(int64_t sec, uint32_t nsec, uint64_t now, uint64_t window_ms)
{
	uint64_t t;

	if (sec < 0)
		return false;
	t = (uint64_t)sec * 1000000000u + nsec;
	return t + window_ms * 1000000 > now && t < now + FUTURE_TRUST_NS;
}

static bool identity_recent(const struct identity *identity, uint64_t window_ms)
{
	uint64_t now = clock_real_ns();

	return time_recent(identity->mtime_sec, identity->mtime_nsec, now, window_ms) ||
	       time_recent(identity->ctime_sec, identity->ctime_nsec, now, window_ms);
}

static uint32_t *writer_of(const struct rawcache *cache, const struct statx *stx)
{
	uint64_t h = sys_device(stx) ^
		     stx->stx_ino * UINT64_C(0x9e3779b97f4a7c15);

	if (!cache->runtime.header)
		return NULL;
	return &cache->runtime.writers[(h ^ h >> 29) % RUNTIME_WRITERS];
}

void rawcache_file_changed(struct rawcache *cache, const struct statx *stx)
{
	uint32_t *writer = cache ? writer_of(cache, stx) : NULL;

	if (writer && !cache->runtime.read_only)
		fetch_add(writer, 1); /* pairs with the acquire in file_written() */
}

bool file_unchanged(const struct file *file, int fd)
{
	const struct identity *id = &file->identity;
	struct statx stx;

	return !sys_fstatx(fd, &stx) && stx.stx_size == id->size &&
	       stx.stx_mtime.tv_sec == id->mtime_sec && stx.stx_mtime.tv_nsec == id->mtime_nsec &&
	       stx.stx_ctime.tv_sec == id->ctime_sec && stx.stx_ctime.tv_nsec == id->ctime_nsec &&
	       stx.stx_ino == load_relaxed(&file->inode) &&
	       sys_device(&stx) == load_relaxed(&file->device) && !file_written(file);
}

/* --- opening */

static void file_chunks_init(const struct rawcache *cache, struct file *file)
{
	uint64_t count = (file->size + cache->chunk_bytes - 1) / cache->chunk_bytes;
	uint64_t shift = count > 1 ? log2_floor(count - 1) + 1 : 0;
	void *table;

	/* at least a block of 64 bytes, so that the low bits of the address are free */
	shift = max_u64(shift, 2);
	if (count > CHUNKS_MAX)
		return;
	table = memory_get(chunks_bytes(shift));
	if (table)
		store_release(&file->chunks, (uint64_t)(uintptr_t)table | shift);
}

/* Under the lock: a new object, with one reference. */
static struct file *file_make(struct rawcache *cache, const struct key *key,
			      const struct identity *identity, const uint32_t *writer,
			      uint32_t writer_seen)
{
	struct files *files = cache->files;
	struct file_link *link = memory_get(sizeof(*link));
	struct file *file = link ? file_new(files) : NULL;

	if (!file) {
		memory_put(link, sizeof(*link));
		return NULL;
	}
	link->key = *key;
	link->file = file;
	HASH_ADD(hh, files->by_key, key, sizeof(link->key), link);
	if (!link->hh.tbl) { /* out of memory: uthash did not add it */
		memory_put(link, sizeof(*link));
		file_number_put(files, file->number);
		return NULL;
	}
	file->size = identity->size;
	file->key = *key;
	file->identity = *identity;
	file->identity.path = NULL;
	file->writer = writer ? writer : &no_writer;
	file->writer_seen = writer_seen;
	file->references = 1;
	file->fetching = 0;
	file->aside = !identity->inode; /* identity_from(): on FUSE */
	file->helped = 0;
	file->named = 0;
	memset(&file->ahead, 0, sizeof(file->ahead));
	file->link = link;
	file_chunks_init(cache, file);
	return file;
}

static int file_get(struct rawcache *cache, const struct key *key,
		    const struct identity *identity, const struct statx *stx,
		    const uint32_t *writer, uint32_t writer_seen, uint64_t *handle)
{
	struct files *files = cache->files;
	struct critical critical;
	struct file_link *link;
	struct file *file = NULL;

	files_lock(files, &critical);
	HASH_FIND(hh, files->by_key, key, sizeof(*key), link);
	if (link) {
		file = link->file;
		/* the same bytes as before, whatever was written in between */
		store_relaxed(&file->writer, writer ? writer : &no_writer);
		store_release(&file->writer_seen, writer_seen);
		if (!fetch_add(&file->references, 1))
			link_unqueue(files, link);
	} else {
		file = file_make(cache, key, identity, writer, writer_seen);
	}
	if (file) {
		store_relaxed(&file->inode, stx->stx_ino);
		store_relaxed(&file->device, sys_device(stx));
		*handle = file_handle(file);
	}
	files_unlock(files, &critical);
	return file ? 0 : -ENOMEM;
}

static int refuse(enum rawcache_reason *reason, enum rawcache_reason why, int err)
{
	if (reason)
		*reason = why;
	return err;
}

int rawcache_file_open(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
		       uint64_t *handle, enum rawcache_reason *reason)
{
	const uint32_t *writer = writer_of(cache, stx);
	uint32_t writer_seen = writer ? load_acquire(writer) : 0;
	struct identity identity;
	struct origin origin;
	struct statx fresh;
	struct key key;
	int err;

	if (!storage_probe(cache))
		return refuse(reason, RAWCACHE_REASON_io_error, -EIO);
	if (!stx->stx_size)
		return refuse(reason, RAWCACHE_REASON_empty, -ENODATA);
	if (stx->stx_size > INT64_MAX)
		return refuse(reason, RAWCACHE_REASON_special_fs, -EINVAL);
	/* the attributes must not be older than the look at the writers */
	if (writer_seen) {
		err = sys_fstatx(fd, &fresh);
		if (err)
			return refuse(reason, RAWCACHE_REASON_changed, err);
		stx = &fresh;
	}
	origin_of(fd, stx, &origin);
	if (origin.special)
		return refuse(reason, RAWCACHE_REASON_special_fs, -EINVAL);
	identity_from(stx, &origin, path, &identity);
	if (identity_recent(&identity, max_u64(cache->options.settle_ms, TICK_MS)))
		return refuse(reason, RAWCACHE_REASON_unsettled, -EAGAIN);
	key = key_of_file(&cache->image.sb, &identity);
	err = file_get(cache, &key, &identity, stx, writer, writer_seen, handle);
	return err ? refuse(reason, RAWCACHE_REASON_no_memory, err) : 0;
}

void rawcache_file_put(struct rawcache *cache, uint64_t handle)
{
	struct file *file = file_at(cache, handle);

	if (!file)
		return;
	/* the program may end now: what it has read last shall not be lost; nor dropped with the file */
	fetch_settle(file, false);
	if (unlikely(load_relaxed(&file->helped)) &&
	    load_relaxed(&file->references) - load_relaxed(&file->fetching) == 1)
		io_forget(file);
	file_release(cache, file);
}

uint64_t rawcache_file_size(struct rawcache *cache, uint64_t handle)
{
	const struct file *file = file_at(cache, handle);
	uint64_t size = file ? load_relaxed(&file->size) : 0;

	return file && file_is(file, handle) ? size : 0;
}
