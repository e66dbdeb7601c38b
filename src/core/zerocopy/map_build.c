/* SPDX-License-Identifier: MIT */
/*
 * Making a mapping of a cached file. Chunks that lie side by side in the image become one mapping, in
 * however many regions they are. If the cache has all of the file, the origin's mapping stays where it is,
 * as the spare, and the image's is made elsewhere; otherwise the image's pages are laid over the origin's.
 */
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/fault_mask.h"
#include "base/memory.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/origin/file.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/shared/watch.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/recall.h"
#include "core/zerocopy/thread_held.h"
#include "core/zerocopy/watcher.h"

static uint64_t pieces_note(struct rawcache *cache, const char *base, struct map_spare *spare)
{
	uint64_t mapped;

	pthread_mutex_lock(&cache->maps.lock);
	mapped = pieces_known(cache, base, spare);
	pthread_mutex_unlock(&cache->maps.lock);
	return mapped;
}

/* Map the image's pages elsewhere; the origin's mapping becomes the spare. */
static bool file_map_separate(const struct request *request, uint64_t pages, void **address)
{
	struct map_spare *spare = spare_make(*address, request->length, request->offset,
					     request->prot);
	char *base = spare ? pieces_map_separate(request, map_build.pieces, pages, spare->base) :
			     NULL;

	if (!base) {
		if (spare)
			memory_put(spare, sizeof(*spare));
		return false;
	}
	pieces_note(request->cache, base, spare);
	*address = base;
	return true;
}

/* Map the image's pages over the origin's mapping. Returns bytes. */
static uint64_t file_map_overlay(const struct request *request, void **address, uint64_t length)
{
	struct map_piece *failed;
	struct map_spare *spare;

	if (!(request->flags & MAP_FIXED))
		*address = map_align(*address, request->length, request->offset);
	if (!map_build.pieces)
		return 0;
	spare = request->limited ? NULL : spare_map(request, length);
	CRASH_POINT(map_spare);
	if (!spare && (map_build.shown || request->loaded)) {
		pieces_give_up(request->cache, map_build.pieces);
		map_build.pieces = NULL;
		return 0;
	}
	if (request->loaded)
		return loaded_map(request, spare, *address, length);
	failed = pieces_overlay(request, map_build.pieces, *address);
	if (failed)
		pieces_end_at(request, &map_build.pieces, failed, *address);
	return pieces_note(request->cache, *address, spare);
}

/*
 * Map what the cache has of the request; `length` is limited by the end of the file. Returns how many bytes
 * are mapped.
 */
static uint64_t request_map(struct request *request, void **address, uint64_t length)
{
	struct layout layout = { .end = &map_build.pieces };
	uint64_t pages = round_up(request->length, FORMAT_PAGE);
	uint64_t mapped;

	layout_find(&layout, request, length);
	/* a spare of pages that may be written would count as memory twice */
	if (!(request->flags & MAP_FIXED) && layout.last && !layout.gaps &&
	    layout.last->end == pages && map_build.shown &&
	    file_map_separate(request, pages, address))
		return length;
	mapped = min_u64(file_map_overlay(request, address, length), length);
	if (mapped < length) {
		pthread_mutex_lock(&request->cache->maps.lock);
		maps_span(&request->cache->maps, (uintptr_t)*address, (uintptr_t)*address + length);
		pthread_mutex_unlock(&request->cache->maps.lock);
	}
	return mapped;
}

/*
 * Whether the image's pages may be in the mapping. Pages that the program may write are private to it; all
 * others must become the origin's when the file changes, which needs a spare.
 */
static bool map_allowed(struct request *request)
{
	struct rawcache *cache = request->cache;
	const struct file *file = request->file;

	if (cache_slot_need(cache) || file_written(file))
		return false;
	/* a limited address space belongs to the program: it has room for one mapping, and for no spare */
	request->limited = sys_space_limit() != UINT64_MAX;
	if (request->loaded && request->limited)
		return false;
	if (request->prot & PROT_WRITE || request->loaded)
		return !watch_written(cache, load_relaxed(&file->writer), WATCH_CALLS);
	if (!request->limited)
		map_build.shown = recall_show(cache, file, request->fd);
	return map_build.shown && !watcher_need(cache);
}

static uint64_t map_held(struct request *request, void **address)
{
	struct rawcache *cache = request->cache;
	uint64_t size = load_relaxed(&request->file->size);
	uint64_t offset = request->offset;
	uint64_t length = min_u64(request->length, size - min_u64(size, offset));
	uint64_t mapped = 0;

	if (length && map_allowed(request)) {
		mapped = request_map(request, address, length);
		if (mapped < length) {
			critical_leave(&request->critical);
			follow_mapping(cache, request->file, request->fd, *address, length, offset);
			critical_enter(&request->critical);
		}
	}
	stats_add(mapped_files, mapped != 0);
	stats_add(mapped_bytes, mapped);
	if (mapped < length)
		stats_add(mapped_origin_bytes, length - mapped);
	return mapped;
}

/* Bytes. */
static uint64_t request_answer(struct request *request, void **address)
{
	struct rawcache *cache = request->cache;
	struct fault_window window;
	uint64_t mapped = 0;

	if (!request->file || load_relaxed(&cache->broken) || !image_fd_valid(&cache->image))
		return 0;
	rawcache_thread_recover();
	fault_window_open(&window);
	critical_enter(&request->critical);
	if (file_hold(cache, request->file, request->handle)) {
		map_build_begin(cache, request->file);
		mapped = map_held(request, address);
		map_build_finish();
	}
	critical_leave(&request->critical);
	fault_window_close(&window);
	return mapped;
}

static struct request request_for(struct rawcache *cache, uint64_t handle, int fd, size_t length,
				  uint64_t offset)
{
	return (struct request){ .cache = cache,
				 .file = file_at(cache, handle),
				 .handle = handle,
				 .fd = fd,
				 .length = length,
				 .offset = offset };
}

uint64_t rawcache_file_map(struct rawcache *cache, uint64_t handle, int fd, void **address,
			   size_t length, int prot, int flags, uint64_t offset)
{
	struct request request = request_for(cache, handle, fd, length, offset);

	request.prot = prot;
	request.flags = flags;
	return request_answer(&request, address);
}

uint64_t rawcache_file_map_loaded(struct rawcache *cache, uint64_t handle, int fd, void *address,
				  size_t length, uint64_t offset,
				  const struct rawcache_loaded *loaded)
{
	struct request request = request_for(cache, handle, fd, length, offset);

	request.prot = PROT_READ;
	request.flags = MAP_PRIVATE | MAP_FIXED;
	request.loaded = loaded;
	return request_answer(&request, &address);
}
