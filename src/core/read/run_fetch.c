/* SPDX-License-Identifier: MIT */
/* Runs whose first chunk is fetched as a read of it does. */
#include "core/read/file_run.h"

#include <errno.h>

#include <rawcache/file.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/compiler.h"
#include "core/fill/fill.h"

/* Fetch the chunk into the cache with all its bytes. False: no luck. */
static bool chunk_fetch_now(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
			    uint64_t number)
{
	uint64_t offset = number * cache->chunk_bytes;
	uint64_t bytes = min_u64(cache->chunk_bytes, load_relaxed(&file->size) - offset);
	char *buffer = buffer_get();
	ssize_t n = -ENOMEM;

	if (buffer)
		n = rawcache_file_read(cache, handle, fd, buffer, bytes, offset);
	buffer_put(buffer);
	if (n <= 0)
		return false;
	fill_settle(cache, file, fd);
	chunk_fresh(file, number, 0); /* whom it is fetched for has not read it yet */
	return true;
}

int run_fetch(struct rawcache *cache, struct file *file, uint64_t handle, int fd, uint64_t offset,
	      uint64_t length, struct run *run)
{
	int err = run_find(cache, file, offset, length, run);

	if (!err || fd < 0 || offset >= load_relaxed(&file->size) ||
	    !chunk_fetch_now(cache, file, handle, fd, offset / cache->chunk_bytes))
		return err;
	return run_find(cache, file, offset, length, run);
}
