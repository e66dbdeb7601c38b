/* SPDX-License-Identifier: MIT */
/* What was read of the origin is kept: here, or by a thread that stores. */
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/fill_steps.h"
#include "core/fill/filling.h"
#include "core/fill/name.h"
#include "core/image/format.h"
#include "core/image/key.h"
#include "core/index/ghost.h"
#include "core/origin/confirm.h"
#include "core/origin/io.h"
#include "core/origin/origin.h"
#include "core/shared/cache.h"
#include "core/shared/flight.h"
#include "core/space/extent.h"
#include "core/space/region.h"
#include "core/space/space.h"

/* What is smaller is stored together with others, and its file's name, */
#define SMALL_MAX (128u << 10)
/* if a program reads many: the first ones are not worth a thread. */
#define SMALL_ALONE 16u

void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
		   uint64_t n)
{
	if (!cache->options.keep_origin && !want->aside)
		sys_fadvise(want->fd, offset, n, POSIX_FADV_DONTNEED);
}

static const struct space_stream *stream_now(void)
{
	return filling.ordered ? &filling.stream : NULL;
}

void chunk_show(struct rawcache *cache, const struct key *key, const char *buf, uint32_t have,
		uint32_t length)
{
	uint32_t pages = (uint32_t)round_up(length, FORMAT_PAGE) >> FORMAT_PAGE_SHIFT;
	uint32_t bytes = (uint32_t)round_down(have, FORMAT_PAGE);

	if (!filling.claim.flight || !load_relaxed(&filling.claim.flight->waiters) || !bytes)
		return;
	if (!filling.extent) {
		filling.held.pin = -1;
		filling.extent = &filling.held; /* before it is pinned: see region_cut() */
		if (space_get(cache, ghost_log(cache, key), pages, stream_now(), &filling.held)) {
			filling.extent = NULL;
			return;
		}
	}
	if (!extent_write(cache, filling.extent, 0, buf, bytes) && flight_mine(&filling.claim))
		flight_ready(cache, &filling.claim, filling.extent->page,
			     filling.extent->generation, bytes >> FORMAT_PAGE_SHIFT);
}

/* Store the chunk in the extent that waiters read from already, or in a new one. */
static void chunk_store(struct rawcache *cache, const struct key *key, char *buf, uint32_t length)
{
	uint32_t bytes = (uint32_t)round_up(length, FORMAT_PAGE);
	int err;

	if (!filling.extent) {
		if (flight_mine(&filling.claim))
			extent_store(cache, key, 0, buf, length, stream_now());
		return;
	}
	memset(buf + length, 0, bytes - length);
	err = extent_write(cache, filling.extent, 0, buf, bytes);
	if (!err)
		err = extent_publish(cache, key, filling.extent, 0, buf, length);
	filling_drop_extent();
	if (err)
		extent_failed(cache, err);
}

static struct fetch chunk_whole(struct rawcache *cache, struct file *file, const struct key *key,
				const struct want *want, char *buf, uint64_t start)
{
	uint32_t length = chunk_length(cache, file, want->chunk);

	return (struct fetch){
		.request = { .file = file,
			     .buf = buf,
			     .offset = want->chunk * cache->chunk_bytes,
			     .length = length,
			     .result = (int32_t)length,
			     .done = IO_DONE,
			     .fd = want->fd,
			     .unchanged = true,
			     .forget = !cache->options.keep_origin },
		.cache = cache,
		.key = *key,
		.claim = filling.claim,
		.chunk = want->chunk,
		.ordered = filling.ordered,
		.started = start,
	};
}

/* Have another thread store what was read, if it can. The buffer is its own then. */
static bool chunk_hand_over(struct file *file, const struct fetch *whole)
{
	if (filling.extent || !fetch_adopt(file, whole))
		return false;
	filling.claim.flight = NULL;
	return true;
}

/* Here and now: the server is asked by the thread that has read. */
static bool want_confirmed(const struct file *file, const struct want *want)
{
	bool same = confirm_by_descriptor(file, want->fd) || (want->aside && confirm_by_path(file));

	if (!same)
		file_over(file, want->fd);
	return same;
}

/* A small chunk and its file's name, by one write, and perhaps with others. As chunk_hand_over(). */
static bool small_store(struct file *file, const struct want *want, struct fetch *whole)
{
	static uint32_t seen;
	struct io_request *request = &whole->request;
	struct extent_piece pieces[2];

	whole->small = true;
	whole->name = name_make(whole->cache, file, want->fd,
				request->buf + round_up(request->length, FORMAT_PAGE));
	if ((load_relaxed(&seen) >= SMALL_ALONE || file->identity.look == LOOK_OPENED) &&
	    chunk_hand_over(file, whole))
		return true;
	store_relaxed(&seen, load_relaxed(&seen) + 1);
	pieces[0] = (struct extent_piece){ whole->key, request->length };
	pieces[1] = whole->name;
	if (flight_mine(&filling.claim) && want_confirmed(file, want))
		extent_store_pieces(whole->cache, pieces, 2, request->buf, NULL);
	return false;
}

bool chunk_keep(struct rawcache *cache, struct file *file, const struct key *key,
		const struct want *want, char *buf, uint64_t start)
{
	struct fetch whole = chunk_whole(cache, file, key, want, buf, start);

	if (whole.request.length < SMALL_MAX && !filling.extent && !want->aside) {
		origin_forget(cache, want, whole.request.offset, whole.request.length);
		whole.request.forget = false;
		return small_store(file, want, &whole);
	}
	name_store(cache, file, want->fd);
	if (!want->aside && chunk_hand_over(file, &whole))
		return true;
	if (want_confirmed(file, want))
		chunk_store(cache, key, buf, whole.request.length);
	origin_forget(cache, want, whole.request.offset, whole.request.length);
	return false;
}

/* --- parts */

bool parts_keep(struct rawcache *cache, struct file *file, const struct want *want,
		const struct parts *parts, uint32_t first, char *buf, uint32_t length)
{
	struct fetch some = chunk_whole(cache, file, &parts->key[first], want, buf,
					clock_mono_ns());

	if (confirm_needed(file)) {
		some.request.offset += first * PART_BYTES;
		some.request.length = length;
		some.request.result = (int32_t)length;
		some.piece = PART_BYTES;
		some.chunk = PART_NUMBER | (want->chunk * PARTS_MAX + first);
		some.ordered = false;
		some.claim.flight = NULL;
		memcpy(some.parts, &parts->key[first],
		       (parts->count - first) * sizeof(some.parts[0]));
		name_store(cache, file, want->fd);
		if (fetch_adopt(file, &some))
			return true;
	}
	if (want_confirmed(file, want) &&
	    extent_store(cache, &parts->key[first], PART_BYTES, buf, length, NULL))
		name_store(cache, file, want->fd);
	return false;
}

bool merged_keep(struct rawcache *cache, struct file *file, const struct key *key,
		 const struct want *want, char *buf, uint32_t length)
{
	struct fetch whole = chunk_whole(cache, file, key, want, buf, clock_mono_ns());

	if (confirm_needed(file) && chunk_hand_over(file, &whole))
		return true;
	if (want_confirmed(file, want))
		chunk_store(cache, key, buf, length);
	return false;
}
