/* SPDX-License-Identifier: MIT */
#include "core/index/catalog.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <rawcache/tree.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/paths.h"
#include "core/index/parts.h"
#include "core/index/verify.h"

/* Read and check a record; `record` must have room for FORMAT_CHUNK_MAX bytes. The path is terminated. */
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

/* At most this many chunks of a file are looked up to find out whether any of it stays. */
#define NAME_SAMPLES 16u

/* Whether something of a file stays when `region` is recycled. */
struct stay {
	const struct rawcache *cache;
	uint32_t region;
	bool stays;
};

static bool extent_stays(void *arg, const struct chunk_extent *extent)
{
	struct stay *stay = arg;
	const struct rawcache *cache = stay->cache;
	uint32_t other = region_number(&cache->image, extent->found.page);

	stay->stays = index_visited(cache, extent->found.number) ||
		      (other != stay->region &&
		       load_relaxed(&cache->image.regions[other].log) == REGION_MAIN);
	return stay->stays || extent->whole;
}

bool name_wanted(struct rawcache *cache, const struct key *key, const struct found *found)
{
	uint32_t region = region_number(&cache->image, found->page);
	struct name_record *record;
	struct stay stay = { .cache = cache, .region = region };

	if ((uint32_t)key->high != NAME_TAG)
		return false;
	record = (struct name_record *)buffer_get();
	if (record && record_read(cache, key, found, record)) {
		const struct key file = { record->key_low, record->key_high };
		uint64_t chunks = div_up(record->size, cache->chunk_bytes);

		for (uint64_t i = 0; i < chunks && !stay.stays; i += chunks / NAME_SAMPLES + 1)
			chunk_each_extent(cache, &file, record->size, i, extent_stays, &stay);
	}
	buffer_put((char *)record);
	return stay.stays;
}

static void error_keep(int *kept, int err)
{
	if (err)
		*kept = err;
}

/* How much of a file is cached. */
struct file_sum {
	struct rawcache *cache;
	uint64_t cached, reread; /* bytes */
	int *removed; /* not NULL: the file is forgotten as it is walked, and *removed gets an error */
};

static bool extent_sum(void *arg, const struct chunk_extent *extent)
{
	struct file_sum *sum = arg;
	uint64_t length = extent->whole ? extent->found.length : extent->length;

	sum->cached += length;
	sum->reread += length * index_visits(sum->cache, extent->found.number);
	if (!sum->removed)
		/* after a whole chunk, its parts would be the same bytes again */
		return extent->whole;
	error_keep(sum->removed, index_remove(sum->cache, &extent->key, NULL));
	return false;
}

/* Sum up how much of a file is cached. With `removed` it is forgotten, and *removed gets an error. */
static struct file_sum file_walk(struct rawcache *cache, const struct key *key, uint64_t size,
				 int *removed)
{
	struct file_sum sum = { .cache = cache, .removed = removed };

	for (uint64_t chunk = 0; chunk * cache->chunk_bytes < size; chunk++)
		chunk_each_extent(cache, key, size, chunk, extent_sum, &sum);
	return sum;
}

struct name_walk {
	struct rawcache *cache;
	struct name_record *record;
	bool (*visit)(void *arg, const struct rawcache_cached_file *file);
	void *arg;
	const char *path; /* to drop */
	size_t path_bytes;
	uint64_t files, bytes;
	bool (*progress)(void *arg, uint64_t done, uint64_t total); /* of dropping */
	int err;						    /* the last error of removing */
};

static bool walk_list(void *arg, const struct key *key, const struct found *found)
{
	struct name_walk *walk = arg;
	struct name_record *record = walk->record;
	struct rawcache_cached_file file;
	struct file_sum sum;
	struct key file_key;

	if ((uint32_t)key->high != NAME_TAG || !record_read(walk->cache, key, found, record))
		return true;
	file_key = (struct key){ record->key_low, record->key_high };
	file.path = (const char *)(record + 1);
	file.size = record->size;
	file.mtime_sec = record->mtime_sec;
	file.mtime_nsec = record->mtime_nsec;
	sum = file_walk(walk->cache, &file_key, record->size, NULL);
	file.cached = sum.cached;
	file.reread = sum.reread;
	return walk->visit(walk->arg, &file);
}

static void name_drop(struct name_walk *walk, const struct key *key, const struct found *found)
{
	struct name_record *record = walk->record;
	struct key file_key;

	if ((uint32_t)key->high != NAME_TAG || !record_read(walk->cache, key, found, record) ||
	    !path_below((const char *)(record + 1), strlen((const char *)(record + 1)), walk->path,
			walk->path_bytes))
		return;
	file_key = (struct key){ record->key_low, record->key_high };
	walk->bytes += file_walk(walk->cache, &file_key, record->size, &walk->err).cached;
	walk->files++;
	/* NULL: wherever the record was moved meanwhile */
	error_keep(&walk->err, index_remove(walk->cache, key, NULL));
}

static bool walk_drop(void *arg, const struct key *key, const struct found *found)
{
	struct name_walk *walk = arg;
	uint64_t total = (uint64_t)walk->cache->image.sb.bucket_count * BUCKET_ENTRIES;

	name_drop(walk, key, found);
	return !walk->progress || walk->progress(walk->arg, found->number, total);
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

int rawcache_drop_path(struct rawcache *cache, const char *path, uint64_t *files, uint64_t *bytes,
		       bool (*progress)(void *arg, uint64_t done, uint64_t total), void *arg)
{
	struct name_walk walk = {
		.cache = cache,
		.path = path,
		.path_bytes = strlen(path),
		.progress = progress,
		.arg = arg,
	};
	int err = names_walk(&walk, walk_drop);

	*files = walk.files;
	*bytes = walk.bytes;
	return err ? err : walk.err;
}
