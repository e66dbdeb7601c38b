/* SPDX-License-Identifier: MIT */
#include "core/origin/file.h"

#include <errno.h>
#include <string.h>

#include <rawcache/file.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "core/image/key.h"
#include "core/origin/doubt.h"
#include "core/origin/file_table.h"
#include "core/origin/origin.h"
#include "core/shared/cache.h"

/* a program that opens many files again and again finds their chunks known */
#define IDLE_MAX 4096u
/* 64 TiB at the smallest size of a chunk: beyond that nothing is remembered */
#define CHUNKS_MAX (UINT64_C(1) << 32)

int files_init(struct rawcache *cache, void (*idle_now)(struct file *file))
{
	struct files *files = memory_get(sizeof(*files));

	if (!files)
		return -ENOMEM;
	/* its tables are touched here and there by the first file */
	memory_expect(files, sizeof(*files), true);
	pthread_mutex_init(&files->lock, NULL);
	files->idle_now = idle_now;
	cache->files = files;
	cache->file_pages = files->page;
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

static struct file *file_new(struct files *files)
{
	uint32_t number;
	struct file *page;

	if (files->free_count) {
		number = files->free[--files->free_count];
		return &files->page[number / FILE_PAGE][number % FILE_PAGE];
	}
	number = files->count;
	if (number >= FILE_PAGES * FILE_PAGE)
		return NULL;
	page = files->page[number / FILE_PAGE];
	if (!page) {
		page = memory_map(FILE_PAGE * sizeof(struct file));
		if (!page)
			return NULL;
		/* a program that has opened so many files opens others */
		memory_expect(page, (number ? FILE_PAGE : 1) * sizeof(struct file), true);
		store_release(&files->page[number / FILE_PAGE], page);
	}
	files->count++;
	page[number % FILE_PAGE].number = number;
	page[number % FILE_PAGE].serial = 1; /* no handle has the serial 0 */
	return &page[number % FILE_PAGE];
}

/* Keep the number of an unused object; if there is no memory for the stack, the number is lost. */
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

/* End the object. Readers that still look at it see the serial change. */
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

/* Under the lock: end objects that nobody has open, if there are too many. */
static void idle_limit(struct files *files)
{
	struct file *file;

	idle_sort(&files->idle);
	while ((file = idle_take(&files->idle, IDLE_MAX)))
		file_end(files, file);
}

bool file_hold(struct rawcache *cache, struct file *file, uint64_t handle)
{
	uint32_t references = load_relaxed(&file->references);

	/* an object that is open has references: without any, the handle is stale */
	while (references && references != FILE_DEAD)
		if (cas(&file->references, &references, references + 1))
			break;
	if (!references || references == FILE_DEAD)
		return false;
	if (load_acquire(&file->serial) == (uint32_t)(handle >> 32))
		return true;
	file_release(cache, file);
	return false;
}

/* Whether all references that are left belong to reads ahead. */
static bool reference_is_fetch(const struct file *file, uint32_t references)
{
	return references && references == load_relaxed(&file->fetching);
}

/* Release a reference. Returns true if only reads ahead have the object now. */
static bool reference_put(struct rawcache *cache, struct file *file)
{
	uint32_t references = load_relaxed(&file->references);

	while (references && references != FILE_DEAD) {
		if (!cas(&file->references, &references, references - 1))
			continue;
		if (references == 1)
			idle_note(&cache->files->idle, file);
		return reference_is_fetch(file, references - 1);
	}
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
	for (uint32_t i = 0; i < FILE_PAGES; i++)
		if (files->page[i])
			memory_unmap(files->page[i], FILE_PAGE * sizeof(struct file));
	memory_put(files->free, files->free_room * sizeof(*files->free));
	memory_put(files, sizeof(*files));
	cache->files = NULL;
}

void files_each(struct rawcache *cache, void (*each)(struct rawcache *cache, struct file *file))
{
	struct files *files = cache->files;
	struct critical critical;

	files_lock(files, &critical);
	for (uint32_t i = 0; i < files->count; i++)
		each(cache, &files->page[i / FILE_PAGE][i % FILE_PAGE]);
	files_unlock(files, &critical);
}

/* --- opening */

static void file_chunks_init(const struct rawcache *cache, struct file *file)
{
	uint64_t count = div_up(file->size, cache->chunk_bytes);
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

/*
 * Whether the attributes may be older than what this process has seen of the file: a thread may be stopped
 * between reading them and this call. Under the lock; `vouched`: from versions_open().
 */
static bool reasons_old(const struct reasons *reasons, uint64_t vouched)
{
	uint64_t news = max_u64(vouched, load_acquire(&reasons->doubt->news_ns));

	return news > reasons->asked_ns;
}

static void file_vouch(struct file *file, const struct reasons *reasons)
{
	store_relaxed(&file->vouched_ns, clock_mono_ns());
	store_relaxed(&file->writer, reasons->writer);
	store_relaxed(&file->doubt, reasons->doubt);
	store_relaxed(&file->doubt_seen, reasons->doubt_seen);
	store_relaxed(&file->changes_seen, reasons->changes_seen);
	store_release(&file->writer_seen, reasons->writer_seen);
}

static char *path_duplicate(const char *path)
{
	size_t n = strlen(path) + 1;
	char *copy = memory_get(n);

	return copy ? memcpy(copy, path, n) : NULL;
}

/* Under the lock: make an object, with one reference. */
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
	file->path = identity->look == LOOK_LOCAL && !cache->tier ? NULL :
								    path_duplicate(identity->path);
	file->fetching = 0;
	file->direct_ok = !identity->inode; /* identity_from(): on FUSE */
	file->paged = !identity->inode;
	file->opened_by_helpers = 0;
	file->name_stored = 0;
	file->reopened = false;
	memset(&file->ahead, 0, sizeof(file->ahead));
	file->tier = (struct tier_memory){ .state = TIER_NEW };
	file->link = link;
	inode_enter(files, link, stx);
	file_chunks_init(cache, file);
	store_release(&file->references, 1); /* pairs with the exchange in reference_get() */
	return file;
}

/* Under the lock: find the object of the key and take a reference; or NULL. */
static struct file *file_find(struct rawcache *cache, const struct key *key,
			      const struct statx *stx)
{
	struct files *files = cache->files;
	struct file_link *link;

	HASH_FIND(hh, files->by_key, key, sizeof(*key), link);
	if (!link)
		return NULL;
	inode_move(files, link, stx);
	/* an object in the table is not dead */
	if (!fetch_add(&link->file->references, 1))
		store_relaxed(&link->file->reopened, true);
	return link->file;
}

static uint64_t *recent_place(struct files *files, const struct key *key)
{
	return &files->recent[key->low % RECENT];
}

int file_get(struct rawcache *cache, const struct key *key, const struct identity *identity,
	     const struct statx *stx, struct reasons *reasons, uint64_t *handle)
{
	struct files *files = cache->files;
	struct critical critical;
	struct file *file;
	unsigned int open;
	uint64_t vouched;

	files_lock(files, &critical);
	open = versions_open(files, stx, &vouched);
	if (reasons_old(reasons, vouched)) {
		files_unlock(files, &critical);
		return -ESTALE;
	}
	if (open & VERSION_OTHER)
		doubt_changed_seen(reasons->doubt, &reasons->doubt_seen, &reasons->changes_seen);
	idle_limit(files);
	file = file_find(cache, key, stx);
	if (!file)
		file = file_make(cache, key, identity, stx);
	/* if two threads open two versions now, one of them in file_reopen(), each looks again */
	fence_full();
	if (!(open & VERSION_OTHER) && versions_open(files, stx, &vouched) & VERSION_OTHER)
		doubt_changed(reasons->doubt);
	if (file) {
		/* the same bytes as before, whatever was written in between */
		file_vouch(file, reasons);
		*handle = file_handle(file);
		store_relaxed(recent_place(files, key), *handle);
	}
	files_unlock(files, &critical);
	return file ? 0 : -ENOMEM;
}

/* Take a reference of whatever file the object stands for by now. False: it stands for none. */
static bool reference_get(struct file *file)
{
	uint32_t references = load_relaxed(&file->references);

	while (references != FILE_DEAD)
		if (cas(&file->references, &references, references + 1)) {
			if (!references)
				store_relaxed(&file->reopened, true);
			return true;
		}
	return false;
}

/* With a reference: whether the object has that key and inode. */
static bool file_is_of(const struct file *file, const struct key *key, const struct statx *stx)
{
	return file->key.low == key->low && file->key.high == key->high &&
	       load_relaxed(&file->inode) == stx->stx_ino &&
	       load_relaxed(&file->device) == sys_device(stx);
}

bool file_reopen(struct rawcache *cache, const struct key *key, const struct statx *stx,
		 const struct reasons *reasons, uint64_t *handle)
{
	struct files *files = cache->files;
	uint64_t recent = load_relaxed(recent_place(files, key));
	struct file *file = file_at(cache, recent);

	if (!file || !reference_get(file))
		return false;
	fence_full(); /* either we see file_get()'s change, or it sees ours */
	if (!file_is(file, recent) || !file_is_of(file, key, stx) ||
	    inode_has_versions(files, stx) || reasons_old(reasons, 0)) {
		file_release(cache, file);
		return false;
	}
	file_vouch(file, reasons);
	*handle = recent;
	return true;
}
