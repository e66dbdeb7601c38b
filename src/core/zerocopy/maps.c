/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/maps.h"

#include <errno.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/zerocopy/follow.h"
#include "core/shared/hold.h"
#include "core/read/run.h"
#include "core/zerocopy/shown.h"

/* Of all mappings: a quarter of those that a process may have (vm.max_map_count). */
#define PIECES_TOTAL 16000

void maps_init(struct maps *maps)
{
	pthread_mutex_init(&maps->lock, NULL);
	maps->room = PIECES_TOTAL;
	maps->low = UINTPTR_MAX;
}

void maps_lock(struct maps *maps, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&maps->lock);
}

void maps_unlock(struct maps *maps, struct critical *critical)
{
	pthread_mutex_unlock(&maps->lock);
	critical_leave(critical);
}

/* --- the origin's pages, for when the image's cannot be read */

void spare_put(struct map_spare *spare)
{
	if (!spare || --spare->references)
		return;
	if (!spare->torn)
		sys_munmap(spare->base, spare->bytes);
	memory_put(spare, sizeof(*spare));
}

struct map_spare *spare_get(struct map_spare *spare)
{
	if (spare)
		spare->references++;
	return spare;
}

/* Under the lock. */
static void piece_free(struct rawcache *cache, struct map_piece *piece)
{
	spare_put(piece->spare);
	shown_less(cache, piece->shown);
	memory_put(piece, sizeof(*piece));
	fetch_add(&cache->maps.room, 1);
}

/* Under the lock: the piece that has `at`, or NULL. */
static struct map_piece *piece_at(const struct maps *maps, uintptr_t at)
{
	struct map_piece *piece = maps->pieces;

	while (piece && (at < piece->start || at >= piece->end))
		piece = piece->next;
	return piece;
}

bool pages_move(const char *from, size_t n, uintptr_t to)
{
	return !sys_is_error((void *)SYS_CALL(__NR_mremap, from, n, n,
					      MREMAP_MAYMOVE | MREMAP_FIXED, to, 0));
}

/* Where the spare has what lies at `start` of the piece, or NULL. */
static char *spare_page(const struct map_piece *piece, uintptr_t start)
{
	const struct map_spare *spare = piece->spare;
	uint64_t offset = piece->mapped.offset + (start - piece->start);

	return spare && offset >= spare->offset && offset - spare->offset < spare->bytes ?
		       spare->base + (offset - spare->offset) :
		       NULL;
}

/* The origin's bytes, `n` of them from `start` on, in place of the image's. */
static bool piece_replace(const struct map_piece *piece, uintptr_t start, size_t n)
{
	struct map_spare *spare = piece->spare;
	int prot = piece->mapped.prot | (piece->changeable ? PROT_READ | PROT_WRITE : 0);
	char *at = spare_page(piece, start);

	if (!at || (size_t)(at - spare->base) + n > spare->bytes)
		return false;
	if (!pages_move(at, n, start))
		return false;
	if (prot != spare->prot)
		SYS_CALL(__NR_mprotect, start, n, prot, 0, 0, 0);
	/* or it may be another thread's mapping, which would go with the spare */
	if (!memory_reserve_at(at, n))
		spare->torn = true;
	return true;
}

/*
 * Under the lock. Threads that fault in one page at the same time find it replaced, and no piece any
 * more: that was no fault of the program's.
 */
static void replaced_note(struct maps *maps, uintptr_t page)
{
	maps->replaced[maps->replaced_next++ % MAPS_REPLACED] = page;
}

static bool replaced_find(const struct maps *maps, uintptr_t page)
{
	for (uint32_t i = 0; i < MAPS_REPLACED; i++)
		if (maps->replaced[i] == page)
			return true;
	return false;
}

static void replaced_forget(struct maps *maps, uintptr_t start, uintptr_t end)
{
	uint32_t known = maps->replaced_next < MAPS_REPLACED ? maps->replaced_next : MAPS_REPLACED;

	for (uint32_t i = 0; i < known; i++)
		if (maps->replaced[i] >= start && maps->replaced[i] < end)
			maps->replaced[i] = 0;
}

/* --- the list */

void maps_span(struct maps *maps, uintptr_t start, uintptr_t end)
{
	if (start < maps->low)
		store_relaxed(&maps->low, start);
	if (end > maps->high)
		store_relaxed(&maps->high, end);
}

void piece_link(struct maps *maps, struct map_piece *piece)
{
	piece->next = maps->pieces;
	maps->pieces = piece;
	maps_span(maps, piece->start, piece->end);
}

bool maps_run(struct maps *maps, const void *address, uint64_t length, struct run *run,
	      bool *changeable)
{
	uintptr_t at = (uintptr_t)address;
	struct critical critical;
	struct map_piece *piece;

	maps_lock(maps, &critical);
	piece = piece_at(maps, at);
	if (piece) {
		run->region = piece->region;
		run->generation = piece->generation;
		run->at = piece->at + (at - piece->start);
		run->length = min_u64(length, piece->end - at);
		*changeable = piece->changeable;
	}
	maps_unlock(maps, &critical);
	return piece;
}

/* --- unmapping */

bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;

	return start < load_relaxed(&cache->maps.high) &&
	       start + length > load_relaxed(&cache->maps.low);
}

/*
 * Where the origin's mount forbids to execute what is mapped and the image's does not, or the other way
 * round, the program shall see the origin's. Both under the lock.
 */
static bool exec_refused(const struct map_piece *piece)
{
	char *at = spare_page(piece, piece->start);
	long err;

	if (!at)
		return false;
	err = SYS_CALL(__NR_mprotect, at, FORMAT_PAGE, PROT_READ | PROT_EXEC, 0, 0, 0);
	SYS_CALL(__NR_mprotect, at, FORMAT_PAGE, piece->spare->prot, 0, 0, 0);
	return err == -EACCES;
}

static bool piece_exchange(struct rawcache *cache, struct map_piece **link)
{
	struct map_piece *piece = *link;

	if (piece->changeable || !piece_replace(piece, piece->start, piece->end - piece->start))
		return false;
	*link = piece->next;
	hold_put(cache, piece->region);
	piece_free(cache, piece);
	return true;
}

static bool piece_touches(const struct map_piece *piece, uintptr_t start, uintptr_t end)
{
	return piece->start < end && start < piece->end;
}

/* Under the lock. */
static bool range_shared(const struct maps *maps, uintptr_t start, uintptr_t end)
{
	for (const struct map_piece *piece = maps->pieces; piece; piece = piece->next)
		if (piece_touches(piece, start, end) && piece->mapped.type == MAP_SHARED)
			return true;
	return false;
}

static void piece_begin_at(struct map_piece *piece, uintptr_t start)
{
	piece->mapped.offset += start - piece->start;
	piece->at += start - piece->start;
	piece->start = start;
}

/*
 * Cut a piece in two, each with a hold. A piece that cannot be cut is forgotten: its hold lasts as
 * long as the process.
 */
static void piece_cut(struct rawcache *cache, struct map_piece **link, uintptr_t at)
{
	struct map_piece *piece = *link;
	struct map_piece *rest = memory_get(sizeof(*rest));

	if (!rest) {
		*link = piece->next;
		piece_free(cache, piece);
		return;
	}
	hold_more(cache, piece->region);
	*rest = *piece;
	spare_get(rest->spare);
	shown_more(rest->shown);
	fetch_sub(&cache->maps.room, 1);
	piece_begin_at(rest, at);
	piece->end = at;
	/* what lies behind comes first, as where a mapping is made: see maps_exchange() */
	rest->next = piece;
	*link = rest;
	CRASH_POINT(map_cut);
}

static void pieces_cut(struct rawcache *cache, uintptr_t at)
{
	struct map_piece **link = &cache->maps.pieces;

	while (*link && !((*link)->start < at && at < (*link)->end))
		link = &(*link)->next;
	/* they do not overlap */
	if (*link)
		piece_cut(cache, link, at);
}

/* Under the lock. */
static int range_execute(struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	bool never = image_never_executes(&cache->image);
	struct map_piece **link = &cache->maps.pieces;

	if (never) {
		pieces_cut(cache, start);
		pieces_cut(cache, end);
	}
	while (*link) {
		if (piece_touches(*link, start, end)) {
			if (exec_refused(*link))
				return -EACCES;
			if (never && piece_exchange(cache, link))
				continue;
		}
		link = &(*link)->next;
	}
	return 0;
}

int rawcache_maps_protect(struct rawcache *cache, const void *address, size_t length, int prot)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = round_up(start + length, FORMAT_PAGE);
	struct critical critical;
	int err = 0;

	maps_lock(&cache->maps, &critical);
	if (prot & PROT_WRITE && range_shared(&cache->maps, start, end))
		err = -EACCES;
	else if (prot & PROT_EXEC)
		err = range_execute(cache, start, end);
	for (struct map_piece *piece = err ? NULL : cache->maps.pieces; piece; piece = piece->next) {
		if (!piece_touches(piece, start, end))
			continue;
		if (prot & PROT_WRITE) {
			piece->changeable = true;
			shown_less(cache, piece->shown);
			piece->shown = NULL;
		}
		if (start <= piece->start && piece->end <= end)
			piece->mapped.prot = prot;
	}
	maps_unlock(&cache->maps, &critical);
	return err;
}

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
		} else {
			link = &piece->next;
		}
	}
	return taken;
}

void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = round_up(start + length, FORMAT_PAGE);
	struct map_piece *taken;
	struct critical critical;

	follow_unmapped(cache, start, end);
	maps_lock(&cache->maps, &critical);
	pieces_cut(cache, start);
	pieces_cut(cache, end);
	taken = pieces_take(&cache->maps, start, end);
	replaced_forget(&cache->maps, start, end);
	CRASH_POINT(map_taken);
	maps_unlock(&cache->maps, &critical);
	return taken;
}

static void pieces_drop(struct rawcache *cache, struct map_piece *piece)
{
	while (piece) {
		struct map_piece *next = piece->next;

		hold_put(cache, piece->region);
		piece_free(cache, piece);
		piece = next;
	}
}

void rawcache_maps_drop(struct rawcache *cache, void *taken)
{
	struct critical critical;

	if (!taken)
		return;
	maps_lock(&cache->maps, &critical);
	pieces_drop(cache, taken);
	maps_unlock(&cache->maps, &critical);
}

bool maps_fault(struct rawcache *cache, uintptr_t address)
{
	uintptr_t page = round_down(address, FORMAT_PAGE);
	struct critical critical;
	struct map_piece *piece;
	bool replaced, before;

	if (address < load_relaxed(&cache->maps.low) || address >= load_relaxed(&cache->maps.high))
		return false;
	maps_lock(&cache->maps, &critical);
	piece = piece_at(&cache->maps, page);
	replaced = piece && piece_replace(piece, page, FORMAT_PAGE);
	if (replaced) {
		/* it is the origin's from here on, and so is its next fault */
		pieces_cut(cache, page);
		pieces_cut(cache, page + FORMAT_PAGE);
		pieces_drop(cache, pieces_take(&cache->maps, page, page + FORMAT_PAGE));
		replaced_note(&cache->maps, page);
	}
	before = !piece && replaced_find(&cache->maps, page);
	maps_unlock(&cache->maps, &critical);
	/* not when it is the origin's that cannot be read */
	return replaced || (before && !sys_madvise((void *)page, FORMAT_PAGE, MADV_POPULATE_READ));
}

/* --- the origin's pages instead */

/* The file's pieces, in the order of their addresses where they are of one mapping. */
static struct map_piece *pieces_of(struct maps *maps, const struct shown *shown)
{
	struct map_piece **link = &maps->pieces;
	struct map_piece *taken = NULL;

	while (*link) {
		struct map_piece *piece = *link;

		if (piece->shown == shown && piece->spare) {
			*link = piece->next;
			piece->next = taken;
			taken = piece;
		} else {
			link = &piece->next;
		}
	}
	return taken;
}

static bool piece_goes_on(const struct map_piece *piece, const struct map_piece *next)
{
	return next && next->start == piece->end && next->spare == piece->spare &&
	       next->mapped.prot == piece->mapped.prot &&
	       next->mapped.offset == piece->mapped.offset + (piece->end - piece->start);
}

/*
 * What lies side by side is exchanged by one call: threads that read it see all of the old, or all of
 * the new. What cannot be exchanged now is tried again by the watcher.
 */
static void maps_exchange(struct rawcache *cache, const struct shown *shown)
{
	struct map_piece *taken = pieces_of(&cache->maps, shown);

	while (taken) {
		struct map_piece *first = taken, *last = taken;
		bool done;

		while (piece_goes_on(last, last->next))
			last = last->next;
		taken = last->next;
		last->next = NULL;
		done = piece_replace(first, first->start, last->end - first->start);
		if (done) {
			pieces_drop(cache, first);
			continue;
		}
		while (first) {
			struct map_piece *next = first->next;

			piece_link(&cache->maps, first);
			first = next;
		}
	}
}

void maps_recall(struct rawcache *cache)
{
	struct shown *next;

	for (struct shown *shown = cache->maps.shown; shown; shown = next) {
		next = shown->next; /* it may go with its last piece, and no other does */
		if (!shown->ended && !shown_written(shown))
			continue;
		shown->ended = true;
		maps_exchange(cache, shown);
	}
}

void rawcache_maps_put(struct rawcache *cache, void *taken, ptrdiff_t by)
{
	struct map_piece *piece = taken;
	struct critical critical;

	if (!piece)
		return;
	maps_lock(&cache->maps, &critical);
	while (piece) {
		struct map_piece *next = piece->next;

		piece->start += (uintptr_t)by;
		piece->end += (uintptr_t)by;
		piece_link(&cache->maps, piece);
		piece = next;
	}
	/* what somebody wanted back meanwhile */
	maps_recall(cache);
	maps_unlock(&cache->maps, &critical);
}

/* What lies at `at`, if the mapping that `piece` is of begins there or before. */
static struct rawcache_mapped piece_tell(const struct map_piece *piece, uintptr_t at)
{
	struct rawcache_mapped mapped = piece->mapped;

	mapped.origin = spare_page(piece, piece->start);
	mapped.offset -= piece->start - at;
	return mapped;
}

static bool mapped_same(const struct rawcache_mapped *a, const struct rawcache_mapped *b)
{
	return a->device == b->device && a->inode == b->inode && a->offset == b->offset &&
	       a->prot == b->prot && a->type == b->type;
}

int rawcache_maps_find(struct rawcache *cache, const void *address, size_t length,
		       struct rawcache_mapped *mapped)
{
	uintptr_t start = round_down((uintptr_t)address, FORMAT_PAGE);
	uintptr_t end = (uintptr_t)address + length;
	struct critical critical;
	int found = 0;

	maps_lock(&cache->maps, &critical);
	for (struct map_piece *piece = cache->maps.pieces; piece && found >= 0; piece = piece->next) {
		struct rawcache_mapped other;

		if (!piece_touches(piece, start, end))
			continue;
		other = piece_tell(piece, start);
		if (!found)
			*mapped = other;
		found = other.offset > INT64_MAX || !mapped_same(mapped, &other) ? -EFAULT : 1;
	}
	maps_unlock(&cache->maps, &critical);
	return found;
}

const void *rawcache_maps_edge(const void *taken, const void *address)
{
	uintptr_t at = (uintptr_t)address;
	uintptr_t edge = UINTPTR_MAX;

	for (const struct map_piece *piece = taken; piece; piece = piece->next) {
		uintptr_t next = piece->start > at ? piece->start : piece->end;

		if (next > at && next < edge)
			edge = next;
	}
	return edge == UINTPTR_MAX ? NULL : (const void *)edge;
}

/* --- mlockall() */

int maps_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags)
{
	struct maps *maps = &cache->maps;
	struct critical outer, critical;
	int ret;

	if (!cache->image.data || !(flags & MCL_CURRENT))
		return lock(flags);
	critical_enter(&outer); /* not left before the data is there again */
	maps_lock(maps, &critical);
	if (!maps->hiding++)
		image_data_hide(&cache->image);
	maps_unlock(maps, &critical);
	ret = lock(flags);
	maps_lock(maps, &critical);
	if (!--maps->hiding)
		image_data_show(&cache->image);
	maps_unlock(maps, &critical);
	critical_leave(&outer);
	return ret;
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

static bool piece_whole(const struct rawcache *cache, const struct map_piece *piece)
{
	fence_acquire(); /* pairs with the full fence after the bump in region_recycle() */
	return load_relaxed(&cache->image.regions[piece->region].generation) == piece->generation;
}

/*
 * A child that gets no hold has a copy instead, if the region is still what it was: its parent may have
 * unmapped it, or ended, by now. Without a copy the bytes are gone, which is better than others in
 * their place.
 */
static void piece_copy(const struct rawcache *cache, const struct map_piece *piece)
{
	void *at = (void *)piece->start;
	size_t n = piece->end - piece->start;
	void *copy = sys_mmap(NULL, n, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!sys_is_error(copy) && !guard_copy(copy, at, n) && piece_whole(cache, piece) &&
	    pages_move(copy, n, piece->start))
		return;
	if (!sys_is_error(copy))
		sys_munmap(copy, n);
	sys_reserve(at, n, MAP_FIXED);
}

void maps_fork_child(struct rawcache *cache)
{
	struct map_piece **link = &cache->maps.pieces;

	if (cache->maps.hiding)
		image_data_show(&cache->image);
	cache->maps.hiding = 0;
	while (*link) {
		struct map_piece *piece = *link;
		int err = hold_get(cache, piece->region, piece->generation);

		if (!err) {
			link = &piece->next;
			continue;
		}
		/* memory like any other now: nothing is given back when it is unmapped */
		if (err != -ESTALE || piece->changeable ||
		    !piece_replace(piece, piece->start, piece->end - piece->start))
			piece_copy(cache, piece);
		*link = piece->next;
		piece_free(cache, piece);
	}
	CRASH_POINT(map_forked);
}
