/* SPDX-License-Identifier: MIT */
/*
 * Making a mapping of a cached file: what lies side by side on the image, whatever number of regions
 * it is in, is one mapping. If the cache has all of it, the origin's mapping stays where it is, as the
 * spare, and the image's is made elsewhere; otherwise the image's pages are laid over the origin's.
 */
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
#include "core/zerocopy/maps.h"
#include "core/read/run.h"
#include "core/shared/slot.h"
#include "core/zerocopy/recall.h"
#include "core/shared/watch.h"
#include "core/zerocopy/watcher.h"

#define HUGE_PAGE ((uint64_t)2 << 20)
#define STRETCHES_MAX 1024u
/* What one mapping fetches, and how long it may take; what is missing then stays the origin's. */
#define FETCH_MAX (64u << 20)
#define FETCH_MS 1000u

/* What the program asked for. */
struct request {
	struct rawcache *cache;
	struct file *file;
	uint64_t handle;
	int fd;
	uint64_t length; /* bytes, as the program wants them */
	uint64_t offset; /* of the file */
	int prot, flags;
	struct critical critical;
	bool limited; /* the address space is: there is room for one mapping, and for no spare */
	uint64_t let_in_ms; /* when signals were let in last */
};

/*
 * What this thread holds while it makes a mapping: a signal handler may leave that by siglongjmp(), or
 * the thread be cancelled, while something is fetched. All else is done with signals held back. Given
 * back by the thread's next call, or by rawcache_thread_recover().
 */
static tls_initial struct {
	struct rawcache *cache; /* NULL: nothing */
	struct file *file;
	struct shown *shown; /* NULL: not wanted */
	struct map_piece *pieces; /* held, in order; from 0 on, until the address is known */
} laying;

/* What is going to be mapped: laying.pieces. */
struct layout {
	struct map_piece **end;
	struct map_piece *last;
	unsigned int stretches;
	bool gaps;
};

/* --- which pieces there are */

static struct map_piece *piece_make(const struct request *request, uint64_t done,
				    const struct run *run)
{
	struct map_piece *piece = memory_get(sizeof(*piece));

	if (!piece)
		return NULL;
	*piece = (struct map_piece){
		.start = done,
		.end = done + round_up(run->length, FORMAT_PAGE),
		.region = run->region,
		.generation = run->generation,
		.at = run->at,
		.mapped = { .device = request->file->device,
			    .inode = request->file->inode,
			    .offset = request->offset + done,
			    .prot = request->prot,
			    .type = request->flags & MAP_TYPE },
		.changeable = request->prot & PROT_WRITE,
	};
	return piece;
}

static bool piece_continues(const struct map_piece *piece, const struct map_piece *before)
{
	return before && piece->start == before->end &&
	       piece->at == before->at + (before->end - before->start);
}

/* Add a run, which is held from here on. */
static int layout_add(struct layout *layout, const struct request *request, uint64_t done,
		      const struct run *run)
{
	struct rawcache *cache = request->cache;
	struct map_piece *piece = NULL;
	int err = hold_get_more(cache, run->region, run->generation);

	if (err)
		return err;
	if (fetch_sub(&cache->maps.room, 1) > 0)
		piece = piece_make(request, done, run);
	if (!piece) {
		fetch_add(&cache->maps.room, 1);
		hold_put(cache, run->region);
		return -ENOMEM;
	}
	layout->gaps |= done != (layout->last ? layout->last->end : 0);
	layout->stretches += !piece_continues(piece, layout->last);
	layout->last = piece;
	*layout->end = piece;
	layout->end = &piece->next;
	return 0;
}

static void pieces_give_up(struct rawcache *cache, struct map_piece *piece)
{
	while (piece) {
		struct map_piece *next = piece->next;

		hold_put(cache, piece->region);
		memory_put(piece, sizeof(*piece));
		fetch_add(&cache->maps.room, 1);
		piece = next;
	}
}

/* Now and then: what is looked at for the first time is verified. */
static void signals_let_in(struct request *r)
{
	uint64_t now = clock_coarse_ms();

	if (now == r->let_in_ms)
		return;
	r->let_in_ms = now;
	critical_leave(&r->critical);
	critical_enter(&r->critical);
}

/* What the cache has of [0, length) of the request; what is missing may be fetched. */
static void layout_find(struct layout *layout, struct request *r, uint64_t length)
{
	struct rawcache *cache = r->cache;
	bool all = r->flags & MAP_POPULATE;
	uint64_t fetch = all ? length : FETCH_MAX;
	uint64_t until = all ? UINT64_MAX : clock_coarse_ms() + FETCH_MS;

	r->let_in_ms = clock_coarse_ms();
	for (uint64_t done = 0; done < length && layout->stretches < STRETCHES_MAX;) {
		uint64_t at = r->offset + done;
		uint64_t rest = cache->chunk_bytes - at % cache->chunk_bytes;
		struct run run;
		int err = run_find(cache, r->file, r->handle, -1, at, length - done, &run);

		if (err && fetch && clock_coarse_ms() < until) {
			fetch -= min_u64(fetch, rest);
			critical_leave(&r->critical);
			err = run_find(cache, r->file, r->handle, r->fd, at, length - done, &run);
			critical_enter(&r->critical);
		} else {
			signals_let_in(r);
		}
		if (!err)
			err = layout_add(layout, r, done, &run);
		if (err && err != -ENODATA && err != -ESTALE)
			break;
		done += err ? rest : run.length;
	}
}

/* --- where they go */

/*
 * A file that was read in order lies in the image at the same offsets modulo 2 MiB as in itself: at
 * such an address huge pages can be mapped. File systems without huge pages of their own get
 * any address from the kernel. Where it lies then; the old mapping is gone if that is elsewhere.
 */
static char *map_align(char *p, uint64_t length, uint64_t offset)
{
	uint64_t n = round_up(length, FORMAT_PAGE);
	char *space;

	if (n < HUGE_PAGE || ((uintptr_t)p - offset) % HUGE_PAGE == 0)
		return p;
	space = memory_reserve_aligned(n, HUGE_PAGE, offset);
	/* if it is not moved: where it should go may be another thread's by now */
	return !sys_is_error(space) && pages_move(p, n, (uintptr_t)space) ? space : p;
}

static struct map_spare *spare_make(char *base, uint64_t length, uint64_t offset, int prot)
{
	struct map_spare *spare = memory_get(sizeof(*spare));

	if (spare)
		*spare = (struct map_spare){ .base = base,
					     .bytes = round_up(length, FORMAT_PAGE),
					     .offset = offset,
					     .prot = prot,
					     .references = 1 };
	return spare;
}

/*
 * Private, whatever the program asked for: the file is open for reading only, and a mapping that
 * it may make writable later must not reach the image.
 */
static char *image_map(const struct request *request, char *at, uint64_t n, uint64_t place,
		       int fixed)
{
	const struct image *image = &request->cache->image;

	return sys_mmap(at, n, request->prot, MAP_PRIVATE | MAP_NORESERVE | fixed, image->fd,
			image->sb.data_offset + place);
}

static struct map_piece *stretch_last(struct map_piece *piece)
{
	while (piece->next && piece_continues(piece->next, piece))
		piece = piece->next;
	return piece;
}

/* Lay the pieces over what is mapped at `base`: NULL, or the first that could not be. */
static struct map_piece *pieces_lay(const struct request *request, struct map_piece *first,
				    char *base)
{
	while (first) {
		struct map_piece *last = stretch_last(first);

		if (sys_is_error(image_map(request, base + first->start, last->end - first->start,
					   first->at, MAP_FIXED)))
			break;
		CRASH_POINT(map_laid);
		first = last->next;
	}
	return first;
}

/* From `failed` on they are not laid. What the kernel has unmapped before it failed is mapped again. */
static void pieces_end_at(const struct request *request, struct map_piece *failed, char *base)
{
	struct map_piece **link = &laying.pieces;
	uint64_t n = stretch_last(failed)->end - failed->start;
	char *at = base + failed->start;

	if (memory_reserve_at(at, n))
		sys_mmap(at, n, request->prot, (request->flags & MAP_TYPE) | MAP_FIXED, request->fd,
			 request->offset + failed->start);
	while (*link != failed)
		link = &(*link)->next;
	*link = NULL;
	pieces_give_up(request->cache, failed);
}

/* All of it at an address of its own, or NULL. The first stretch takes the space of all. */
static char *pieces_lay_apart(const struct request *request, struct map_piece *first, uint64_t n)
{
	char *base = image_map(request, NULL, n, first->at, 0);
	struct map_piece *failed;
	uint64_t end;

	if (sys_is_error(base))
		return NULL;
	base = map_align(base, n, request->cache->image.sb.data_offset + first->at);
	CRASH_POINT(map_laid);
	failed = pieces_lay(request, stretch_last(first)->next, base);
	if (!failed)
		return base;
	/* the kernel may have unmapped where that one should go, and it be another thread's by now */
	end = stretch_last(failed)->end;
	sys_munmap(base, failed->start);
	if (end < n)
		sys_munmap(base + end, n - end);
	return NULL;
}

/* --- together */

/* The pieces are mapped at `base`, and known from now on. Bytes. */
static uint64_t pieces_note(struct rawcache *cache, const char *base, struct map_spare *spare)
{
	uint64_t mapped = 0;

	pthread_mutex_lock(&cache->maps.lock);
	while (laying.pieces) {
		struct map_piece *piece = laying.pieces;

		laying.pieces = piece->next;
		mapped += piece->end - piece->start;
		piece->start += (uintptr_t)base;
		piece->end += (uintptr_t)base;
		piece->spare = spare_get(spare);
		piece->shown = shown_more(laying.shown);
		piece_link(&cache->maps, piece);
	}
	CRASH_POINT(map_noted);
	/* somebody wanted it back while it was made */
	if (laying.shown && (laying.shown->ended || shown_written(laying.shown)))
		maps_recall(cache);
	spare_put(spare);
	pthread_mutex_unlock(&cache->maps.lock);
	return mapped;
}

/* The origin's mapping becomes the spare. */
static bool file_map_apart(const struct request *request, uint64_t pages, void **address)
{
	struct map_spare *spare = spare_make(*address, request->length, request->offset, request->prot);
	char *base = spare ? pieces_lay_apart(request, laying.pieces, pages) : NULL;

	if (!base) {
		if (spare)
			memory_put(spare, sizeof(*spare));
		return false;
	}
	pieces_note(request->cache, base, spare);
	*address = base;
	return true;
}

/* The origin's mapping made a second time. Not writable: it would count as memory, too. */
static struct map_spare *spare_map(const struct request *request, uint64_t length)
{
	char *base = sys_mmap(NULL, length, PROT_READ,
			      (request->flags & MAP_TYPE) | MAP_NORESERVE, request->fd,
			      request->offset);
	struct map_spare *spare;

	if (sys_is_error(base))
		return NULL;
	spare = spare_make(base, length, request->offset, PROT_READ);
	if (!spare)
		sys_munmap(base, length);
	return spare;
}

/* Over the origin's mapping. Bytes. */
static uint64_t file_map_over(const struct request *request, void **address, uint64_t length)
{
	struct map_piece *failed;
	struct map_spare *spare;

	if (!(request->flags & MAP_FIXED))
		*address = map_align(*address, request->length, request->offset);
	if (!laying.pieces)
		return 0;
	spare = request->limited ? NULL : spare_map(request, length);
	CRASH_POINT(map_spare);
	if (!spare && laying.shown) {
		pieces_give_up(request->cache, laying.pieces);
		laying.pieces = NULL;
		return 0;
	}
	failed = pieces_lay(request, laying.pieces, *address);
	if (failed)
		pieces_end_at(request, failed, *address);
	return pieces_note(request->cache, *address, spare);
}

/* `length` is what there is of the file. What is mapped of it. */
static uint64_t file_map(struct request *request, void **address, uint64_t length)
{
	struct layout layout = { .end = &laying.pieces };
	uint64_t pages = round_up(request->length, FORMAT_PAGE);
	uint64_t mapped;

	layout_find(&layout, request, length);
	/* a spare of what may be written to would count as memory twice */
	if (!(request->flags & MAP_FIXED) && layout.last && !layout.gaps && layout.last->end == pages &&
	    laying.shown && file_map_apart(request, pages, address))
		return length;
	mapped = min_u64(file_map_over(request, address, length), length);
	if (mapped < length) {
		pthread_mutex_lock(&request->cache->maps.lock);
		maps_span(&request->cache->maps, (uintptr_t)*address, (uintptr_t)*address + length);
		pthread_mutex_unlock(&request->cache->maps.lock);
	}
	return mapped;
}

static void laying_begin(struct rawcache *cache, struct file *file)
{
	laying.file = file;
	laying.shown = NULL;
	laying.pieces = NULL;
	laying.cache = cache;
}

static void laying_finish(void)
{
	struct rawcache *cache = laying.cache;

	laying.cache = NULL;
	pieces_give_up(cache, laying.pieces);
	if (laying.shown)
		recall_hide(cache, laying.shown);
	file_release(cache, laying.file);
}

void laying_end(void)
{
	struct critical critical;

	if (!laying.cache)
		return;
	critical_enter(&critical);
	laying_finish();
	critical_leave(&critical);
}

/*
 * Whether the image's pages may be in the mapping. What the program may write to is private to it; all
 * else has to become the origin's when the file changes, which needs a spare.
 */
static bool map_allowed(struct request *request)
{
	struct rawcache *cache = request->cache;
	const struct file *file = request->file;

	if (cache_slot_need(cache) || file_written(file))
		return false;
	/* a limited address space is the program's: it has room for one mapping, and for no spare */
	request->limited = sys_space_limit() != UINT64_MAX;
	if (request->prot & PROT_WRITE)
		return !watch_written(cache, load_relaxed(&file->writer));
	if (!request->limited)
		laying.shown = recall_show(cache, file, request->fd);
	return laying.shown && !watcher_need(cache);
}

static uint64_t map_held(struct request *request, void **address)
{
	struct rawcache *cache = request->cache;
	uint64_t size = load_relaxed(&request->file->size);
	uint64_t offset = request->offset;
	uint64_t length = min_u64(request->length, size - min_u64(size, offset));
	uint64_t mapped = 0;

	if (length && map_allowed(request)) {
		mapped = file_map(request, address, length);
		if (mapped < length) {
			critical_leave(&request->critical);
			follow_mapping(cache, request->file, request->fd, *address, length, offset);
			critical_enter(&request->critical);
		}
	}
	stats_add(mapped_files, mapped != 0);
	stats_add(mapped_bytes, mapped);
	return mapped;
}

uint64_t rawcache_file_map(struct rawcache *cache, uint64_t handle, int fd, void **address,
			   size_t length, int prot, int flags, uint64_t offset)
{
	struct request request = { .cache = cache,
				   .file = file_at(cache, handle),
				   .handle = handle,
				   .fd = fd,
				   .length = length,
				   .offset = offset,
				   .prot = prot,
				   .flags = flags };
	struct guard_window window;
	uint64_t mapped = 0;

	if (!request.file || load_relaxed(&cache->broken) || !image_fd_valid(&cache->image))
		return 0;
	rawcache_thread_recover();
	guard_open(&window);
	critical_enter(&request.critical);
	if (file_hold(cache, request.file, handle)) {
		laying_begin(cache, request.file);
		mapped = map_held(&request, address);
		laying_finish();
	}
	critical_leave(&request.critical);
	guard_close(&window);
	return mapped;
}
