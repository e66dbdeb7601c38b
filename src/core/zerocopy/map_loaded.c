/* SPDX-License-Identifier: MIT */
/*
 * Pages of the image in a library that the dynamic loader has mapped. It did so by itself, and may unmap it so; other
 * threads read it, and may be about to write to it. So the kernel is asked what lies there, while nobody
 * unmaps it, and while nobody who tells of it makes it writable.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/lines.h"
#include "base/proctable.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/image/format.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/map_piece.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/piece_tree.h"
#include "core/zerocopy/thread_held.h"

struct loaded {
	const struct request *request;
	struct map_spare *spare;
	char *base;
	uint64_t length, mapped;
	struct vma there, origin; /* what lies at the base; the spare */
	char name[PATH_MAX];	  /* of the one that comes first */
	bool same_name;
};

/*
 * Two files may have one number, one after the other on NFS, or both with some FUSE servers. They do not have one
 * name as well, unless the first was removed.
 */
static void name_compare(struct loaded *loaded, const char *line)
{
	const char *name = strchr(line, '/');
	size_t n = name ? strlen(name) : 0;

	if (!n || n >= sizeof(loaded->name) || path_is_removed(name, n))
		return;
	loaded->same_name = !strcmp(loaded->name, name);
	memcpy(loaded->name, name, n + 1);
}

static bool line_is_there(void *arg, char *line)
{
	struct loaded *loaded = arg;
	uintptr_t base = (uintptr_t)loaded->base;
	uintptr_t spare = (uintptr_t)loaded->spare->base;
	struct vma vma;

	if (!vma_parse(line, &vma))
		return false;
	if (base >= vma.start && base < vma.end)
		loaded->there = vma;
	else if (spare >= vma.start && spare < vma.end)
		loaded->origin = vma;
	else
		return false;
	name_compare(loaded, line);
	return loaded->there.end && loaded->origin.end;
}

/* Whether it is the file, mapped as the loader does it. */
static bool is_file(struct loaded *loaded)
{
	const struct vma *there = &loaded->there;
	uintptr_t base = (uintptr_t)loaded->base;
	char buf[4096];

	return lines_read("/proc/self/maps", buf, sizeof(buf), line_is_there, loaded) ==
		       LINES_ENOUGH &&
	       !strcmp(there->protection, "r--p") && base + loaded->length <= there->end &&
	       there->offset + (base - there->start) == loaded->request->offset &&
	       there->device == loaded->origin.device && there->inode == loaded->origin.inode &&
	       loaded->same_name;
}

/* Whether no page of it is a copy that somebody has written to, be it a debugger. */
static bool is_clean(const struct loaded *loaded)
{
	uint64_t at = (uintptr_t)loaded->base >> FORMAT_PAGE_SHIFT;
	uint64_t end = at + (loaded->length >> FORMAT_PAGE_SHIFT);
	int fd = sys_openat(AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	bool clean = fd >= 0;

	while (clean && at < end) {
		uint64_t pages[512];
		size_t n = min_u64(end - at, ARRAY_SIZE(pages));
		ssize_t got = sys_pread(fd, pages, n * sizeof(pages[0]), at * sizeof(pages[0]));

		clean = got == (ssize_t)(n * sizeof(pages[0]));
		for (size_t i = 0; clean && i < n; i++)
			clean = !(pages[i] & PAGEMAP_SWAPPED) &&
				(!(pages[i] & PAGEMAP_PRESENT) || pages[i] & PAGEMAP_FILE);
		at += n;
	}
	if (fd >= 0)
		sys_close(fd);
	return clean;
}

/* The loader has given the range to others since these were mapped. */
static void range_clear(struct rawcache *cache, uintptr_t start, uintptr_t end, uint64_t before)
{
	struct map_piece *piece, *next;

	for (piece = piece_tree_next(&cache->maps, NULL, start, end); piece; piece = next) {
		next = piece_tree_next(&cache->maps, piece, start, end);
		if (!piece->loaded || piece->serial >= before || piece->start < start ||
		    piece->end > end)
			continue;
		piece_tree_remove(&cache->maps, piece);
		piece->next = NULL;
		pieces_drop(cache, piece);
	}
}

/* While nobody unmaps it. */
static void loaded_overlay(void *arg)
{
	struct loaded *loaded = arg;
	const struct request *request = loaded->request;
	struct rawcache *cache = request->cache;
	uintptr_t start = (uintptr_t)loaded->base;
	struct map_piece *failed;

	pthread_mutex_lock(&cache->maps.lock);
	maps_span(&cache->maps, start, start + loaded->length);
	fence_full(); /* who is about to make it writable is seen here, or sees the span and waits for the lock */
	if (!load_relaxed(request->loaded->opening) && is_file(loaded) && is_clean(loaded)) {
		range_clear(cache, start, start + loaded->length, UINT64_MAX);
		failed = pieces_overlay(request, map_build.pieces, loaded->base);
		if (failed)
			pieces_end_at(request, &map_build.pieces, failed, loaded->base);
		loaded->mapped = pieces_known(cache, loaded->base, loaded->spare);
		loaded->spare = NULL;
	}
	pthread_mutex_unlock(&cache->maps.lock);
}

uint64_t loaded_map(const struct request *request, struct map_spare *spare, char *base,
		    uint64_t length)
{
	struct loaded loaded = { .request = request,
				 .spare = spare,
				 .base = base,
				 .length = round_up(length, FORMAT_PAGE) };

	/* it takes calls that a program which has confined itself may be killed for */
	if (!unusual_forbidden())
		request->loaded->hold(request->loaded, loaded_overlay, &loaded);
	if (loaded.spare) {
		pieces_give_up(request->cache, map_build.pieces);
		map_build.pieces = NULL;
		spare_put(loaded.spare);
	}
	return loaded.mapped;
}

uint64_t rawcache_maps_now(struct rawcache *cache)
{
	struct critical critical;
	uint64_t now;

	maps_lock(&cache->maps, &critical);
	now = cache->maps.serials;
	maps_unlock(&cache->maps, &critical);
	return now;
}

void rawcache_maps_ask(struct rawcache *cache)
{
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	pieces_ask_loaded(cache, 0, UINTPTR_MAX);
	maps_unlock(&cache->maps, &critical);
}

void rawcache_maps_unloaded(struct rawcache *cache, const void *address, size_t length,
			    uint64_t before)
{
	uintptr_t start = (uintptr_t)address;
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	range_clear(cache, start, start + length, before);
	maps_unlock(&cache->maps, &critical);
}
