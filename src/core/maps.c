/* SPDX-License-Identifier: MIT */
#include "core/maps.h"

#include <errno.h>
#include <sys/mman.h>

#include <rawcache/zerocopy.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/hold.h"
#include "core/run.h"

#define PIECES_MAX 1024u
/* What one mapping fetches; of a file that is larger and not cached the rest stays the origin's. */
#define FETCH_MAX (64u << 20)

void maps_init(struct maps *maps)
{
	pthread_mutex_init(&maps->lock, NULL);
	maps->low = UINTPTR_MAX;
}

static void maps_lock(struct maps *maps, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&maps->lock);
}

static void maps_unlock(struct maps *maps, struct critical *critical)
{
	pthread_mutex_unlock(&maps->lock);
	critical_leave(critical);
}

/* --- mapping */

static bool piece_note(struct maps *maps, uintptr_t start, uint64_t bytes, const struct run *run)
{
	struct critical critical;
	struct map_piece *piece;

	maps_lock(maps, &critical);
	piece = memory_get(sizeof(*piece));
	if (piece) {
		piece->start = start;
		piece->end = start + bytes;
		piece->region = run->region;
		piece->generation = run->generation;
		piece->next = maps->pieces;
		maps->pieces = piece;
		if (start < maps->low)
			store_relaxed(&maps->low, start);
		if (start + bytes > maps->high)
			store_relaxed(&maps->high, start + bytes);
	}
	maps_unlock(maps, &critical);
	return piece;
}

/*
 * Private, whatever the program asked for: the file is open for reading only, and a mapping that
 * it may make writable later must not reach the image.
 */
static int piece_map(struct rawcache *cache, char *address, int prot, const struct run *run)
{
	uint64_t bytes = round_up(run->length, FORMAT_PAGE);
	int err = hold_get(cache, run->region, run->generation);
	void *p;

	if (err)
		return err;
	p = sys_mmap(address, bytes, prot, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, cache->image.fd,
		     cache->image.sb.data_offset + run->at);
	if (sys_is_error(p)) {
		hold_put(cache, run->region);
		return -ENOMEM;
	}
	/* without memory for the note the hold lasts as long as the process */
	piece_note(&cache->maps, (uintptr_t)address, bytes, run);
	return 0;
}

static uint64_t file_map(struct rawcache *cache, struct file *file, uint64_t handle, int fd,
			 char *address, uint64_t length, int prot, uint64_t offset)
{
	uint64_t fetch = FETCH_MAX;
	uint64_t mapped = 0;
	unsigned int pieces = 0;

	for (uint64_t done = 0; done < length && pieces < PIECES_MAX;) {
		uint64_t rest = cache->chunk_bytes - (offset + done) % cache->chunk_bytes;
		struct run run;
		int err = run_find(cache, file, handle, -1, offset + done, length - done, &run);

		if (err && fetch >= rest) {
			fetch -= rest;
			err = run_find(cache, file, handle, fd, offset + done, length - done, &run);
		}
		if (!err)
			err = piece_map(cache, address + done, prot, &run);
		if (err && err != -ENODATA && err != -ESTALE)
			break;
		pieces += !err;
		mapped += err ? 0 : run.length;
		done += err ? rest : run.length;
	}
	return mapped;
}

uint64_t rawcache_file_map(struct rawcache *cache, uint64_t handle, int fd, void *address,
			   size_t length, int prot, uint64_t offset)
{
	struct file *file = file_at(cache, handle);
	uint64_t mapped = 0;
	uint64_t size;

	if (!file || load_relaxed(&cache->broken) || !image_fd_valid(&cache->image) ||
	    !file_hold(cache, file, handle))
		return 0;
	size = load_relaxed(&file->size);
	if (offset < size && !file_written(file))
		mapped = file_map(cache, file, handle, fd, address, min_u64(length, size - offset),
				  prot, offset);
	file_release(cache, file);
	stats_add(mapped_files, mapped != 0);
	stats_add(mapped_bytes, mapped);
	return mapped;
}

/* --- unmapping */

bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;

	return start < load_relaxed(&cache->maps.high) &&
	       start + length > load_relaxed(&cache->maps.low);
}

/* Take out what lies in the range whole; what lies in it with an end is cut there. */
static struct map_piece *pieces_take(struct maps *maps, uintptr_t start, uintptr_t end)
{
	struct map_piece **link = &maps->pieces;
	struct map_piece *taken = NULL;

	while (*link) {
		struct map_piece *piece = *link;

		if (piece->start >= start && piece->end <= end) {
			*link = piece->next;
			piece->next = taken;
			taken = piece;
			continue;
		}
		if (piece->start < start && piece->end > start && piece->end <= end)
			piece->end = start;
		else if (piece->start >= start && piece->start < end && piece->end > end)
			piece->start = end;
		link = &piece->next;
	}
	return taken;
}

void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;
	struct map_piece *taken;
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	taken = pieces_take(&cache->maps, start, round_up(start + length, FORMAT_PAGE));
	maps_unlock(&cache->maps, &critical);
	return taken;
}

void rawcache_maps_drop(struct rawcache *cache, void *taken, bool unmapped)
{
	struct map_piece *piece = taken;
	struct critical critical;

	if (!piece)
		return;
	maps_lock(&cache->maps, &critical);
	while (piece) {
		struct map_piece *next = piece->next;

		if (unmapped) {
			hold_put(cache, piece->region);
			memory_put(piece, sizeof(*piece));
		} else {
			piece->next = cache->maps.pieces;
			cache->maps.pieces = piece;
		}
		piece = next;
	}
	maps_unlock(&cache->maps, &critical);
}

/* --- fork */

void maps_fork_prepare(struct maps *maps)
{
	pthread_mutex_lock(&maps->lock);
}

void maps_fork_release(struct maps *maps)
{
	pthread_mutex_unlock(&maps->lock);
}

/*
 * A child that gets no hold has a copy instead: its parent's hold lasts until this handler's end,
 * and the region may be recycled afterwards. Without memory for the copy the bytes are gone,
 * which is better than others in their place.
 */
static void piece_copy(struct map_piece *piece)
{
	void *at = (void *)piece->start;
	size_t n = piece->end - piece->start;
	void *copy = sys_mmap(NULL, n, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!sys_is_error(copy) && !guard_copy(copy, at, n) &&
	    !sys_is_error((void *)SYS_CALL(__NR_mremap, copy, n, n,
					   MREMAP_MAYMOVE | MREMAP_FIXED, at, 0)))
		return;
	sys_mmap(at, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

void maps_fork_child(struct rawcache *cache)
{
	for (struct map_piece *piece = cache->maps.pieces; piece; piece = piece->next)
		if (hold_get(cache, piece->region, piece->generation))
			piece_copy(piece);
}
