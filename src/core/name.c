/* SPDX-License-Identifier: MIT */
#include "core/name.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/tree.h>

#include "base/checked.h"
#include "base/sys.h"
#include "core/buffer.h"
#include "core/extent.h"
#include "core/part.h"
#include "core/verify.h"

#define NAME_NUMBER (~UINT64_C(0))

static struct key key_of_name(const struct superblock *sb, const struct key *file)
{
	struct key key = key_of_chunk(sb, file, NAME_NUMBER);

	key.high = (key.high & ~UINT64_C(0xffffffff)) | NAME_TAG;
	return key;
}

/* The path behind `fd`, if it is the one in the file's key. Its length, or 0. */
static uint32_t name_path(const struct rawcache *cache, const struct file *file, int fd,
			  char *path)
{
	struct identity identity = file->identity;
	char self[40];
	struct key key;
	ssize_t n;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = sys_readlinkat(AT_FDCWD, self, path, PATH_MAX);
	if (n <= 0 || n >= PATH_MAX)
		return 0;
	path[n] = '\0';
	identity.path = path;
	key = key_of_file(&cache->image.sb, &identity);
	return key.low == file->key.low && key.high == file->key.high ? (uint32_t)n : 0;
}

struct extent_piece name_make(struct rawcache *cache, struct file *file, int fd, char *buf)
{
	struct extent_piece piece = { key_of_name(&cache->image.sb, &file->key), 0 };
	struct name_record *record = (struct name_record *)buf;
	struct found found;

	if (load_relaxed(&file->named))
		return piece;
	store_relaxed(&file->named, 1);
	if (index_find(cache, &piece.key, &found))
		return piece;
	memcpy(record->magic, NAME_MAGIC, 8);
	record->key_low = file->key.low;
	record->key_high = file->key.high;
	record->size = file->size;
	record->mtime_sec = file->identity.mtime_sec;
	record->mtime_nsec = file->identity.mtime_nsec;
	record->path_bytes = name_path(cache, file, fd, (char *)(record + 1));
	if (record->path_bytes)
		piece.length = (uint32_t)sizeof(*record) + record->path_bytes;
	return piece;
}

void name_store(struct rawcache *cache, struct file *file, int fd)
{
	struct extent_piece piece;
	char *buf;

	if (load_relaxed(&file->named))
		return;
	buf = buffer_get();
	if (!buf)
		return;
	piece = name_make(cache, file, fd, buf);
	if (piece.length)
		extent_store_pieces(cache, &piece, 1, buf, NULL);
	buffer_put(buf);
}

/* --- reading them */

/* Read and check a record; `record` has room for FORMAT_CHUNK_MAX bytes. Its path ends in 0. */
static bool record_read(struct rawcache *cache, const struct key *key, const struct found *found,
			struct name_record *record)
{
	if (found->length <= sizeof(*record) || found->length > sizeof(*record) + PATH_MAX)
		return false;
	if (verify_bytes(cache, key, found) != 1 ||
	    image_read(&cache->image, found->page, 0, record, found->length) ||
	    !verify_current(cache, found))
		return false;
	if (memcmp(record->magic, NAME_MAGIC, 8) ||
	    record->path_bytes != found->length - sizeof(*record) || !record->size ||
	    record->size > INT64_MAX)
		return false;
	((char *)(record + 1))[record->path_bytes] = '\0';
	return true;
}

/* Chunks of a file that are looked at, at most, to see whether something of it stays. */
#define NAME_SAMPLES 16u

static bool stays(const struct rawcache *cache, const struct found *found, uint32_t region)
{
	uint32_t other = found->page >> cache->image.region_pages_shift;

	return index_visited(cache, found->number) ||
	       (other != region && load_relaxed(&cache->image.regions[other].log) == REGION_MAIN);
}

static bool chunk_stays(struct rawcache *cache, const struct file *file, uint64_t chunk,
			uint32_t region)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, chunk);
	struct found found;
	struct parts parts;

	if (index_find(cache, &key, &found))
		return stays(cache, &found, region);
	parts_count(cache, file, chunk, &parts);
	for (uint32_t i = 0; i < parts.count; i++)
		if (parts.present & 1u << i && stays(cache, &parts.found[i], region))
			return true;
	return false;
}

bool name_wanted(struct rawcache *cache, const struct key *key, const struct found *found)
{
	uint32_t region = found->page >> cache->image.region_pages_shift;
	struct name_record *record;
	struct file file = { 0 };
	bool wanted = false;
	uint64_t chunks;

	if ((uint32_t)key->high != NAME_TAG)
		return false;
	record = (struct name_record *)buffer_get();
	if (record && record_read(cache, key, found, record)) {
		file.key = (struct key){ record->key_low, record->key_high };
		file.size = record->size;
		chunks = (file.size + cache->chunk_bytes - 1) / cache->chunk_bytes;
		for (uint64_t i = 0; i < chunks && !wanted; i += chunks / NAME_SAMPLES + 1)
			wanted = chunk_stays(cache, &file, i, region);
	}
	buffer_put((char *)record);
	return wanted;
}

static void error_keep(int *kept, int err)
{
	if (err)
		*kept = err;
}

/* How much of a file there is; with `remove` it is forgotten, and *remove tells of an error. */
static uint64_t file_walk(struct rawcache *cache, const struct key *key, uint64_t size, int *remove)
{
	struct file file = { .key = *key, .size = size };
	uint64_t cached = 0;

	for (uint64_t chunk = 0; chunk * cache->chunk_bytes < size; chunk++) {
		struct key name = key_of_chunk(&cache->image.sb, key, chunk);
		struct found found;
		struct parts parts;

		if (index_find(cache, &name, &found)) {
			cached += found.length;
			if (!remove)
				continue;
			error_keep(remove, index_remove(cache, &name, NULL));
		}
		parts_count(cache, &file, chunk, &parts);
		for (uint32_t i = 0; i < parts.count; i++)
			if (parts.present & 1u << i)
				cached += part_length(&parts, i);
		if (remove)
			error_keep(remove, parts_remove(cache, &parts));
	}
	return cached;
}

struct name_walk {
	struct rawcache *cache;
	struct name_record *record;
	bool (*visit)(void *arg, const struct rawcache_cached_file *file);
	void *arg;
	const char *path; /* to drop */
	size_t path_bytes;
	uint64_t files, bytes;
	int err; /* something could not be removed */
};

static bool walk_list(void *arg, const struct key *key, const struct found *found)
{
	struct name_walk *walk = arg;
	struct name_record *record = walk->record;
	struct rawcache_cached_file file;
	struct key file_key;

	if ((uint32_t)key->high != NAME_TAG || !record_read(walk->cache, key, found, record))
		return true;
	file_key = (struct key){ record->key_low, record->key_high };
	file.path = (const char *)(record + 1);
	file.size = record->size;
	file.mtime_sec = record->mtime_sec;
	file.mtime_nsec = record->mtime_nsec;
	file.cached = file_walk(walk->cache, &file_key, record->size, NULL);
	return walk->visit(walk->arg, &file);
}

static bool path_below(const char *path, const char *directory, size_t n)
{
	return !strncmp(path, directory, n) && (!path[n] || path[n] == '/' || n == 1);
}

static bool walk_drop(void *arg, const struct key *key, const struct found *found)
{
	struct name_walk *walk = arg;
	struct name_record *record = walk->record;
	struct key file_key;

	if ((uint32_t)key->high != NAME_TAG || !record_read(walk->cache, key, found, record) ||
	    !path_below((const char *)(record + 1), walk->path, walk->path_bytes))
		return true;
	file_key = (struct key){ record->key_low, record->key_high };
	walk->bytes += file_walk(walk->cache, &file_key, record->size, &walk->err);
	walk->files++;
	/* wherever it was moved meanwhile */
	error_keep(&walk->err, index_remove(walk->cache, key, NULL));
	return true;
}

static int names_walk(struct name_walk *walk,
		      bool (*visit)(void *arg, const struct key *key, const struct found *found))
{
	uint64_t stale = 0;
	uint64_t broken = 0;

	walk->record = (struct name_record *)buffer_get();
	if (!walk->record)
		return -ENOMEM;
	index_walk(walk->cache, visit, walk, &stale, &broken);
	buffer_put((char *)walk->record);
	return 0;
}

int rawcache_list(struct rawcache *cache,
		  bool (*visit)(void *arg, const struct rawcache_cached_file *file), void *arg)
{
	struct name_walk walk = { .cache = cache, .visit = visit, .arg = arg };

	return names_walk(&walk, walk_list);
}

int rawcache_drop_path(struct rawcache *cache, const char *path, uint64_t *files,
		       uint64_t *bytes)
{
	struct name_walk walk = { .cache = cache, .path = path, .path_bytes = strlen(path) };
	int err = names_walk(&walk, walk_drop);

	*files = walk.files;
	*bytes = walk.bytes;
	return err ? err : walk.err;
}
