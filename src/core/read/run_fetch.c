/* SPDX-License-Identifier: MIT */
/* Runs whose first chunk is fetched, as a read of it would be. */
#include "core/read/file_run.h"

#include <errno.h>

#include <rawcache/file.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/compiler.h"
#include "core/fill/fill.h"

/* Fetch all bytes of the chunk into the cache. False: that failed. */
static bool chunk_fetch_now(struct rawcache *cache, const struct span *span)
{
	struct file *file = span->file;
	uint64_t number = span->offset / cache->chunk_bytes;
	uint64_t offset = number * cache->chunk_bytes;
	uint64_t bytes = min_u64(cache->chunk_bytes, load_relaxed(&file->size) - offset);
	char *buffer = buffer_get();
	ssize_t n = -ENOMEM;

	if (buffer)
		n = rawcache_file_read(cache, span->handle, span->fd, buffer, bytes, offset);
	buffer_put(buffer);
	if (n <= 0)
		return false;
	fill_settle(cache, file, span->fd);
	chunk_fresh(file, number, 0); /* the program for which it is fetched has not read it yet */
	return true;
}

int run_fetch(struct rawcache *cache, const struct span *span, struct run *run)
{
	int err = run_find(cache, span->file, span->offset, span->length, run);

	if (!err || span->fd < 0 || span->offset >= load_relaxed(&span->file->size) ||
	    !chunk_fetch_now(cache, span))
		return err;
	return run_find(cache, span->file, span->offset, span->length, run);
}
