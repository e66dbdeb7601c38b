/* SPDX-License-Identifier: MIT */
/* Fills by plain system calls in the thread that missed. */
#include "core/io.h"

#include "base/stats.h"
#include "base/sys.h"
#include "core/cache.h"

static ssize_t sync_read_origin(struct rawcache *cache, int fd, void *buf, size_t n,
				uint64_t offset)
{
	size_t have = 0;

	(void)cache;
	while (have < n) {
		ssize_t got = sys_pread(fd, (char *)buf + have, n - have, offset + have);

		stats_add(origin_reads, 1);
		if (got == -EINTR && have)
			continue;
		if (got < 0)
			return have ? (ssize_t)have : got;
		if (!got)
			break;
		stats_add(origin_bytes, (uint64_t)got);
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static int sync_write_extent(struct rawcache *cache, uint32_t page, const void *buf, size_t n)
{
	return image_write(&cache->image, page, buf, n);
}

const struct io_backend io_sync = {
	.name = "sync",
	.read_origin = sync_read_origin,
	.write_extent = sync_write_extent,
};

const struct io_backend *io_backend_choose(const struct rawcache *cache)
{
	(void)cache;
	return &io_sync;
}
