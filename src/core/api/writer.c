/* SPDX-License-Identifier: MIT */
/* Announcements of programs that change files: see rawcache/file.h. */
#include "base/compiler.h"

#include <rawcache/embed.h>
#include "core/origin/file.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/shared/watch.h"

static uint32_t *writer_of(const struct rawcache *cache, const struct statx *stx)
{
	return cache && !cache->runtime.read_only ? file_writer(cache, stx) : NULL;
}

void rawcache_file_changed(struct rawcache *cache, const struct statx *stx)
{
	uint32_t *writer = writer_of(cache, stx);

	if (!writer)
		return;
	fetch_add(writer, 1); /* pairs with the acquire in file_written() */
	watch_demand(cache, writer);
}

static void write_begin(struct rawcache *cache, const struct statx *stx, enum watch_way way)
{
	uint32_t *writer = writer_of(cache, stx);

	if (!writer)
		return;
	/* a process without a slot announces each change, but cannot announce that it may make some */
	if (!cache_slot_need(cache))
		watch_write(cache, writer, way);
}

static void write_end(struct rawcache *cache, const struct statx *stx, enum watch_way way)
{
	const uint32_t *writer = writer_of(cache, stx);

	if (writer)
		watch_write_end(cache, writer, way);
}

void rawcache_file_writer_begin(struct rawcache *cache, const struct statx *stx)
{
	write_begin(cache, stx, WATCH_CALLS);
}

void rawcache_file_writer_end(struct rawcache *cache, const struct statx *stx)
{
	write_end(cache, stx, WATCH_CALLS);
}

void rawcache_file_stores_begin(struct rawcache *cache, const struct statx *stx)
{
	write_begin(cache, stx, WATCH_CALLS);
	write_begin(cache, stx, WATCH_STORES);
}

void rawcache_file_stores_end(struct rawcache *cache, const struct statx *stx)
{
	write_end(cache, stx, WATCH_STORES);
	write_end(cache, stx, WATCH_CALLS);
}

bool rawcache_file_doubted(const struct rawcache *cache, uint64_t handle)
{
	const struct file *file = file_at(cache, handle);

	return !file || file_written(file) || !file_is(file, handle);
}
