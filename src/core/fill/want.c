/* SPDX-License-Identifier: MIT */
/* What a program wants of a chunk, and reading it from the origin without storing it. */
#include <errno.h>

#include "base/clock.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/fill/fill.h"
#include "core/fill/fill_steps.h"
#include "core/shared/cache.h"

uint64_t want_offset(const struct rawcache *cache, const struct want *want)
{
	return want->chunk * cache->chunk_bytes + want->skip;
}

ssize_t fill_stale(const struct file *file, int fd)
{
	file_over(file, fd);
	return -ESTALE;
}

ssize_t fill_bypass(const struct rawcache *cache, const struct file *file, const struct want *want)
{
	uint64_t start = clock_mono_ns();
	ssize_t got = sys_pread(want->fd, want->buf, want->length, want_offset(cache, want));

	stats_add(origin_reads, 1);
	/* shorter than the file was: the kernel may still have its earlier attributes */
	if (got >= 0 && (got < (ssize_t)want->length || !file_unchanged(file, want->fd)))
		return fill_stale(file, want->fd);
	if (got > 0) {
		stats_add(origin_bytes, (uint64_t)got);
		stats_add(miss_bytes, (uint64_t)got);
		stats_latency(miss_latency, clock_mono_ns() - start);
	}
	return got;
}

uint32_t number_of(const struct rawcache *cache, const struct want *want)
{
	return want->background ? NUMBER_OWN : number_now(cache, want->fd);
}

bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before)
{
	return want->background || number_same(cache, want->fd, before);
}
