/* SPDX-License-Identifier: MIT */
/* Keeping what was read from the origin: stored here, or by a storing thread. */
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/fill_steps.h"
#include "core/fill/fill_state.h"
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

/* A chunk below this size is stored together with others, and with its file's name, */
#define SMALL_MAX (128u << 10)
/* if a program reads many of them: the first ones are not worth a thread. */
#define SMALL_ALONE 16u

void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
		   uint64_t n)
{
	if (!cache->options.keep_origin && !want->background)
		sys_fadvise(want->fd, offset, n, POSIX_FADV_DONTNEED);
}

static const struct space_stream *miss_stream(const struct miss *m)
{
	return m->held->ordered ? &m->held->stream : NULL;
}

void chunk_show(struct miss *m, uint32_t have)
{
	struct filling *held = m->held;
	uint32_t pages = (uint32_t)round_up(m->length, FORMAT_PAGE) >> FORMAT_PAGE_SHIFT;
	uint32_t bytes = (uint32_t)round_down(have, FORMAT_PAGE);

	if (!held->claim.flight || !load_relaxed(&held->claim.flight->waiters) || !bytes)
		return;
	if (!held->extent) {
		held->held.pin = -1;
		held->extent = &held->held; /* set before it is pinned: see region_cut() */
		if (space_get(m->cache, ghost_log(m->cache, &m->key), pages, miss_stream(m),
			      &held->held)) {
			held->extent = NULL;
			return;
		}
	}
	if (!extent_write(m->cache, held->extent, 0, m->buf, bytes) && flight_mine(&held->claim))
		flight_ready(m->cache, &held->claim, held->extent->page, held->extent->generation,
			     bytes >> FORMAT_PAGE_SHIFT);
}

/* Store the chunk in the extent from which waiters already read, or in a new one. */
static void chunk_store(struct miss *m)
{
	struct filling *held = m->held;
	uint32_t bytes = (uint32_t)round_up(m->length, FORMAT_PAGE);
	int err;

	if (!held->extent) {
		if (flight_mine(&held->claim))
			extent_store(m->cache, &m->key, 0, m->buf, m->length, miss_stream(m));
		return;
	}
	memset(m->buf + m->length, 0, bytes - m->length);
	err = extent_write(m->cache, held->extent, 0, m->buf, bytes);
	if (!err)
		err = extent_publish(m->cache, &m->key, held->extent, 0, m->buf, m->length);
	filling_drop_extent();
	if (err)
		extent_failed(m->cache, err);
}

static struct fetch chunk_whole(const struct miss *m, uint64_t start)
{
	return (struct fetch){
		.request = { .file = m->file,
			     .buf = m->buf,
			     .offset = m->at,
			     .length = m->length,
			     .result = (int32_t)m->length,
			     .done = IO_DONE,
			     .fd = m->want->fd,
			     .unchanged = true,
			     .forget = !m->cache->options.keep_origin },
		.cache = m->cache,
		.key = m->key,
		.claim = m->held->claim,
		.chunk = m->want->chunk,
		.ordered = m->held->ordered,
		.started = start,
	};
}

/* Let another thread store the chunk, if one can. The buffer then belongs to it. */
static bool chunk_hand_over(struct miss *m, const struct fetch *whole)
{
	if (m->held->extent || !fetch_adopt(m->file, whole))
		return false;
	m->held->claim.flight = NULL;
	m->buf = NULL;
	return true;
}

/* Ask the server here and now: the thread that has read also asks. */
static bool miss_confirmed(const struct miss *m)
{
	bool same = confirm_by_descriptor(m->file, m->want->fd) ||
		    (m->want->background && confirm_by_path(m->file));

	if (!same)
		file_over(m->file, m->want->fd);
	return same;
}

/* Keep a small chunk and its file's name, by one write, perhaps together with others. */
static void small_keep(struct miss *m, struct fetch *whole)
{
	static uint32_t seen;
	struct io_request *request = &whole->request;
	struct extent_piece pieces[2];

	whole->small = true;
	whole->name = name_make(m->cache, m->file, m->want->fd,
				request->buf + round_up(request->length, FORMAT_PAGE));
	if ((load_relaxed(&seen) >= SMALL_ALONE || m->file->identity.look == LOOK_OPENED) &&
	    chunk_hand_over(m, whole))
		return;
	store_relaxed(&seen, load_relaxed(&seen) + 1);
	pieces[0] = (struct extent_piece){ whole->key, request->length };
	pieces[1] = whole->name;
	if (flight_mine(&m->held->claim) && miss_confirmed(m))
		extent_store_pieces(m->cache, pieces, 2, request->buf, NULL);
}

void chunk_keep(struct miss *m)
{
	const struct want *want = m->want;
	struct fetch whole = chunk_whole(m, m->start);

	if (m->length < SMALL_MAX && !m->held->extent && !want->background) {
		origin_forget(m->cache, want, whole.request.offset, m->length);
		whole.request.forget = false;
		small_keep(m, &whole);
		return;
	}
	name_store(m->cache, m->file, want->fd);
	if (!want->background && chunk_hand_over(m, &whole))
		return;
	if (miss_confirmed(m)) {
		chunk_store(m);
		background_end(m, true);
	}
	origin_forget(m->cache, want, whole.request.offset, m->length);
}

/* --- parts */

void parts_keep(struct miss *m, const struct parts *parts, uint32_t first, uint32_t length)
{
	struct fetch some = chunk_whole(m, clock_mono_ns());

	if (confirm_needed(m->file)) {
		some.key = parts->key[first];
		some.request.offset += first * PART_BYTES;
		some.request.length = length;
		some.request.result = (int32_t)length;
		some.piece = PART_BYTES;
		some.chunk = PART_NUMBER | (m->want->chunk * PARTS_MAX + first);
		some.ordered = false;
		some.claim.flight = NULL;
		memcpy(some.parts, &parts->key[first],
		       (parts->count - first) * sizeof(some.parts[0]));
		name_store(m->cache, m->file, m->want->fd);
		if (fetch_adopt(m->file, &some)) {
			m->buf = NULL;
			return;
		}
	}
	if (miss_confirmed(m) &&
	    extent_store(m->cache, &parts->key[first], PART_BYTES, m->buf, length, NULL))
		name_store(m->cache, m->file, m->want->fd);
}

void merged_keep(struct miss *m)
{
	struct fetch whole = chunk_whole(m, clock_mono_ns());

	if (confirm_needed(m->file) && chunk_hand_over(m, &whole))
		return;
	if (miss_confirmed(m))
		chunk_store(m);
}
