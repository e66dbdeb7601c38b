/* SPDX-License-Identifier: MIT */
#include "core/origin/file.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/stats.h"
#include "core/origin/origin.h"
#include "core/shared/storage.h"

/* Tables of uthash live in our memory: the shim must not call malloc. */
#define uthash_malloc(n) memory_get(n)
#define uthash_free(p, n) memory_put(p, n)
#define uthash_fatal(message) __builtin_trap()
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <rawcache/embed.h>

#define PAGE_FILES 256u
#define PAGES 4096u
#define IDLE_MAX 4096u
/* Two changes within a tick of the kernel's clock leave the same time behind. */
#define TICK_MS 20u
#define WHOLE_SECONDS_MS 2000u
/* No clock is so wrong: somebody has set that time. */
#define FUTURE_SET_NS (UINT64_C(2) * 86400 * 1000000000u)
#define CHUNKS_MAX (UINT64_C(1) << 32)
#define INODES 4096u

/* A file's entry in the table of identities, and in the queue of idle ones. */
struct file_link {
	struct key key;
	struct file *file;
	struct file_link *older, *newer; /* idle ones, least recently used first */
	struct file_link *same; /* the next one in files.inodes */
	UT_hash_handle hh;
};

struct files {
	pthread_mutex_t lock;
	struct file *page[PAGES];
	uint32_t count; /* objects ever made */
	struct file_link *by_key;
	struct file_link *inodes[INODES]; /* objects by device and inode: the versions of a file */
	struct file_link idle; /* head of a ring */
	uint32_t idle_count;
	void (*idle_now)(struct file *file); /* only reads ahead have it now: see files_init() */
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

int files_init(struct rawcache *cache, void (*idle_now)(struct file *file))
{
	struct files *files = memory_get(sizeof(*files));

	if (!files)
		return -ENOMEM;
	pthread_mutex_init(&files->lock, NULL);
	files->idle.older = files->idle.newer = &files->idle;
	files->idle_now = idle_now;
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

/* --- versions of a file: objects of one inode, all under the lock but for the first look */

static struct file_link **inode_place(struct files *files, uint64_t device, uint64_t inode)
{
	uint64_t h = (device ^ inode) * UINT64_C(0x9e3779b97f4a7c15);

	return &files->inodes[(h >> 32) % INODES];
}

static void inode_leave(struct files *files, struct file_link *link)
{
	const struct file *file = link->file;
	struct file_link **at = inode_place(files, file->device, file->inode);

	while (*at && *at != link)
		at = &(*at)->same;
	if (*at)
		store_relaxed(at, link->same);
}

static void inode_enter(struct files *files, struct file_link *link, const struct statx *stx)
{
	struct file_link **at = inode_place(files, sys_device(stx), stx->stx_ino);

	store_relaxed(&link->file->inode, stx->stx_ino);
	store_relaxed(&link->file->device, sys_device(stx));
	link->same = *at;
	store_relaxed(at, link);
}

/* The object is the inode's now: it may have been another's, where a file has no lasting one. */
static void inode_move(struct files *files, struct file_link *link, const struct statx *stx)
{
	if (link->file->inode == stx->stx_ino && link->file->device == sys_device(stx))
		return;
	inode_leave(files, link);
	inode_enter(files, link, stx);
}

static bool version_same(const struct identity *id, const struct statx *stx)
{
	return stx->stx_size == id->size && stx->stx_mtime.tv_sec == id->mtime_sec &&
	       stx->stx_mtime.tv_nsec == id->mtime_nsec && stx->stx_ctime.tv_sec == id->ctime_sec &&
	       stx->stx_ctime.tv_nsec == id->ctime_nsec;
}

/* Whether somebody has another version of the file open. */
static bool version_other(struct files *files, const struct statx *stx)
{
	struct file_link *link = *inode_place(files, sys_device(stx), stx->stx_ino);

	for (; link; link = link->same) {
		const struct file *file = link->file;

		if (file->inode == stx->stx_ino && file->device == sys_device(stx) &&
		    load_relaxed(&file->references) && !version_same(&file->identity, stx))
			return true;
	}
	return false;
}

/* --- */

/* The object becomes nobody's. Readers that still look at it see the serial change. */
static void file_end(struct files *files, struct file *file)
{
	uint64_t chunks = file->chunks;
	uint32_t serial = file->serial + 1;

	store_release(&file->serial, serial ? serial : 1);
	store_release(&file->chunks, 0);
	if (chunks)
		memory_put(chunks_table(chunks), chunks_bytes(chunks));
	inode_leave(files, file->link);
	if (file->path)
		memory_put(file->path, strlen(file->path) + 1);
	file->path = NULL;
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
		cache->files->idle_now(file);
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
	identity->look = origin->look;
}

/* Whether a change within the last `window_ms` would not show in the time. One in the future: any. */
static bool time_recent(int64_t sec, uint32_t nsec, uint64_t now, uint64_t window_ms)
{
	if (sec < 0)
		return false;
	return (uint64_t)sec > UINT64_MAX / 2000000000u ||
	       (uint64_t)sec * 1000000000u + nsec + window_ms * 1000000 > now;
}

/* A modification time may be set to any moment; the change time beside it is the server's own. */
static bool modified_recently(const struct identity *identity, const struct origin *origin,
			      uint64_t now, uint64_t window_ms)
{
	uint64_t future = now + FUTURE_SET_NS;

	return time_recent(identity->mtime_sec, identity->mtime_nsec, now, window_ms) &&
	       (origin->settable_times ||
		!time_recent(identity->mtime_sec, identity->mtime_nsec, future, 0));
}

/*
 * Whether it may have changed so lately that another change would not show. Times in whole seconds are
 * those of a file system that has no others: its tick is a second, or two (FAT).
 */
static bool identity_recent(const struct identity *identity, const struct origin *origin,
			    uint64_t window_ms)
{
	bool whole = !identity->mtime_nsec && !identity->ctime_nsec;
	uint64_t now = clock_real_ns();

	window_ms = max_u64(window_ms, whole ? WHOLE_SECONDS_MS + TICK_MS : TICK_MS);
	return time_recent(identity->ctime_sec, identity->ctime_nsec, now, window_ms) ||
	       modified_recently(identity, origin, now, window_ms);
}

uint32_t *file_writer(const struct rawcache *cache, const struct statx *stx)
{
	uint64_t h = sys_device(stx) ^
		     stx->stx_ino * UINT64_C(0x9e3779b97f4a7c15);

	if (!cache->runtime.header)
		return NULL;
	return &cache->runtime.writers[(h ^ h >> 29) % RUNTIME_WRITERS];
}

bool rawcache_file_known(const struct rawcache *cache, const struct statx *stx)
{
	return load_relaxed(inode_place(cache->files, sys_device(stx), stx->stx_ino));
}

/* Somebody has another version open than `stx` tells of. */
static bool version_over(const struct rawcache *cache, const struct statx *stx)
{
	struct files *files = cache->files;
	struct critical critical;
	bool over;

	if (!rawcache_file_known(cache, stx))
		return false;
	files_lock(files, &critical);
	over = version_other(files, stx);
	files_unlock(files, &critical);
	return over;
}

/* What is mapped of another version than `stx` tells of is not the file's any more. */
static void mapped_learn(struct rawcache *cache, const struct statx *stx)
{
	if (cache && unlikely(load_acquire(&cache->learn) != NULL))
		cache->learn(cache, stx);
}

void rawcache_file_seen(struct rawcache *cache, const struct statx *stx)
{
	if (cache && version_over(cache, stx))
		doubt_raise(doubt_of(stx), false);
	mapped_learn(cache, stx);
}

void rawcache_file_doubt(struct rawcache *cache, const struct statx *stx, bool ask)
{
	if (cache)
		doubt_raise(doubt_of(stx), ask);
}

void file_over(const struct file *file, int fd)
{
	stats_bypass(RAWCACHE_REASON_changed);
	if (sys_fd_is(fd, load_relaxed(&file->device), load_relaxed(&file->inode)))
		doubt_raise(load_relaxed(&file->doubt), false);
}

bool file_is_as(const struct file *file, const struct statx *stx)
{
	return version_same(&file->identity, stx) && stx->stx_ino == load_relaxed(&file->inode) &&
	       sys_device(stx) == load_relaxed(&file->device) && !file_written(file);
}

bool file_unchanged(const struct file *file, int fd)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) && file_is_as(file, &stx);
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

/* Reasons to look at a file again, as they were before its attributes were read. */
struct reasons {
	const uint32_t *writer;
	struct doubt *doubt;
	uint32_t writer_seen, doubt_seen;
};

static struct reasons reasons_of(const struct rawcache *cache, const struct statx *stx)
{
	const uint32_t *writer = file_writer(cache, stx);
	struct doubt *doubt = doubt_of(stx);

	return (struct reasons){ .writer = writer ? writer : &no_writer,
				 .doubt = doubt,
				 .writer_seen = writer ? load_acquire(writer) : 0,
				 .doubt_seen = load_acquire(&doubt->count) };
}

static void file_vouch(struct file *file, const struct reasons *reasons)
{
	store_relaxed(&file->writer, reasons->writer);
	store_relaxed(&file->doubt, reasons->doubt);
	store_relaxed(&file->doubt_seen, reasons->doubt_seen);
	store_release(&file->writer_seen, reasons->writer_seen);
}

static char *path_copy(const char *path)
{
	size_t n = strlen(path) + 1;
	char *copy = memory_get(n);

	return copy ? memcpy(copy, path, n) : NULL;
}

/* Under the lock: a new object, with one reference. */
static struct file *file_make(struct rawcache *cache, const struct key *key,
			      const struct identity *identity, const struct statx *stx)
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
	file->path = identity->look == LOOK_LOCAL ? NULL : path_copy(identity->path);
	file->references = 1;
	file->fetching = 0;
	file->aside = !identity->inode; /* identity_from(): on FUSE */
	file->paged = !identity->inode;
	file->helped = 0;
	file->named = 0;
	memset(&file->ahead, 0, sizeof(file->ahead));
	file->link = link;
	inode_enter(files, link, stx);
	file_chunks_init(cache, file);
	return file;
}

static int file_get(struct rawcache *cache, const struct key *key,
		    const struct identity *identity, const struct statx *stx,
		    struct reasons *reasons, uint64_t *handle)
{
	struct files *files = cache->files;
	struct critical critical;
	struct file_link *link;
	struct file *file = NULL;

	files_lock(files, &critical);
	if (version_other(files, stx))
		doubt_raise_seen(reasons->doubt, &reasons->doubt_seen);
	HASH_FIND(hh, files->by_key, key, sizeof(*key), link);
	if (link) {
		file = link->file;
		inode_move(files, link, stx);
		if (!fetch_add(&file->references, 1))
			link_unqueue(files, link);
	} else {
		file = file_make(cache, key, identity, stx);
	}
	if (file) {
		/* the same bytes as before, whatever was written in between */
		file_vouch(file, reasons);
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

/* What reads the file past the cache then may be newer than what others of its handles give. */
static int refuse_seen(struct rawcache *cache, const struct statx *stx, enum rawcache_reason *reason,
		       enum rawcache_reason why, int err)
{
	rawcache_file_seen(cache, stx);
	return refuse(reason, why, err);
}

int rawcache_file_open(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
		       uint64_t *handle, enum rawcache_reason *reason)
{
	struct reasons reasons = reasons_of(cache, stx);
	struct identity identity;
	struct origin origin;
	struct statx fresh;
	struct key key;
	int err;

	if (!storage_probe(cache))
		return refuse(reason, RAWCACHE_REASON_io_error, -EIO);
	/* the attributes must not be older than the look at the reasons */
	if (reasons.writer_seen || reasons.doubt_seen) {
		err = doubt_look(reasons.doubt, fd, &fresh);
		if (err)
			return refuse(reason, RAWCACHE_REASON_changed, err);
		stx = &fresh;
	}
	if (!stx->stx_size)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_empty, -ENODATA);
	if (stx->stx_size > INT64_MAX)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	mapped_learn(cache, stx);
	origin_of(fd, stx, &origin);
	if (cache->options.trust)
		origin.look = LOOK_LOCAL;
	if (origin.special || origin.look == LOOK_NEVER)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	identity_from(stx, &origin, path, &identity);
	if (origin.subvolumes && !origin_subvolume(fd, stx, &identity.subvolume))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	if (identity_recent(&identity, &origin, cache->options.settle_ms))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_unsettled, -EAGAIN);
	key = key_of_file(&cache->image.sb, &identity);
	err = file_get(cache, &key, &identity, stx, &reasons, handle);
	return err ? refuse(reason, RAWCACHE_REASON_no_memory, err) : 0;
}

uint64_t rawcache_file_size(struct rawcache *cache, uint64_t handle)
{
	const struct file *file = file_at(cache, handle);
	uint64_t size = file ? load_relaxed(&file->size) : 0;

	return file && file_is(file, handle) ? size : 0;
}
