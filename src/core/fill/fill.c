/* SPDX-License-Identifier: MIT */
#include "core/fill/fill.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/buffer.h"
#include "core/fill/ahead.h"
#include "core/space/extent.h"
#include "core/fill/fetch.h"
#include "core/fill/filling.h"
#include "core/index/ghost.h"
#include "core/origin/confirm.h"
#include "core/origin/origin.h"
#include "core/fill/name.h"
#include "core/fill/part.h"
#include "core/space/region.h"
#include "core/shared/storage.h"
#include "core/shared/slot.h"

/* What a demanded chunk is read in, so that waiters in other processes see it arrive. */
#define PIECE_BYTES (128u << 10)
/* Chunks that one read publishes for others on its way out. */
#define PUBLISH_MAX 4
/* What is smaller is stored together with others, and its file's name, */
#define SMALL_MAX (128u << 10)
/* if a program reads many: the first ones are not worth a thread. */
#define SMALL_ALONE 16u

static uint32_t chunk_length(const struct rawcache *cache, const struct file *file, uint64_t chunk)
{
	uint64_t start = chunk * cache->chunk_bytes;

	return (uint32_t)min_u64(cache->chunk_bytes, file->size - start);
}

static uint64_t want_offset(const struct rawcache *cache, const struct want *want)
{
	return want->chunk * cache->chunk_bytes + want->skip;
}

/*
 * What was read is not of the version that `file` is: nobody gets it together with bytes of that, nor
 * anybody bytes of that after it. The kernel reads it for the program, all at once.
 */
static ssize_t fill_stale(const struct file *file, int fd)
{
	file_over(file, fd);
	return -ESTALE;
}

ssize_t fill_bypass(const struct rawcache *cache, const struct file *file, const struct want *want)
{
	uint64_t offset = want->chunk * cache->chunk_bytes + want->skip;
	uint64_t start = clock_mono_ns();
	ssize_t got = sys_pread(want->fd, want->buf, want->length, offset);

	stats_add(origin_reads, 1);
	/* shorter than it was: also if the kernel has its attributes of before */
	if (got >= 0 && (got < (ssize_t)want->length || !file_unchanged(file, want->fd)))
		return fill_stale(file, want->fd);
	if (got > 0) {
		stats_add(origin_bytes, (uint64_t)got);
		stats_add(miss_bytes, (uint64_t)got);
		stats_latency(miss_latency, clock_mono_ns() - start);
	}
	return got;
}

/* --- storing */

/* The program's own copy of the file may go: the image has it now. */
static void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
			  uint64_t n)
{
	if (!cache->options.keep_origin && !want->aside)
		sys_fadvise(want->fd, offset, n, POSIX_FADV_DONTNEED);
}

static const struct space_stream *stream_now(void)
{
	return filling.ordered ? &filling.stream : NULL;
}

/* Other processes wait for this chunk: write what is there where they can read it. */
static void chunk_show(struct rawcache *cache, const struct key *key, const char *buf,
		       uint32_t have, uint32_t length)
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

/* What was read is right. True: the buffer is another thread's now. */
static bool chunk_keep(struct rawcache *cache, struct file *file, const struct key *key,
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

/* --- whole chunks */

/* The program's descriptor, as it is now. A helper's own is in a table that nobody changes. */
static uint32_t number_of(const struct rawcache *cache, const struct want *want)
{
	return want->aside ? NUMBER_OWN : number_now(cache, want->fd);
}

static bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before)
{
	return want->aside || number_same(cache, want->fd, before);
}

/* Read the chunk, piece by piece; the program and waiters get theirs as it comes. */
static ssize_t chunk_read(struct rawcache *cache, const struct key *key, const struct want *want,
			  uint32_t number, char *buf, uint32_t length)
{
	uint64_t offset = want->chunk * cache->chunk_bytes;
	uint32_t have = 0;

	while (have < length) {
		uint32_t n = (uint32_t)min_u64(PIECE_BYTES, length - have);
		ssize_t got = io_read_origin(want->fd, buf + have, n, offset + have);

		if (got < 0)
			return have ? (ssize_t)have : got;
		have += (uint32_t)got;
		if (got < (ssize_t)n)
			break;
		if (have < length && want_same(cache, want, number))
			chunk_show(cache, key, buf, have, length);
	}
	return have;
}

/* Fetch, deliver, store; the flight is ours. */
static ssize_t chunk_fetch(struct rawcache *cache, struct file *file, const struct key *key,
			   const struct want *want, char **buf)
{
	uint32_t length = chunk_length(cache, file, want->chunk);
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	ssize_t got = chunk_read(cache, key, want, number, *buf, length);

	/* an error may lie outside of what the program asked for, and so may a new end */
	if (got < (ssize_t)(want->skip + want->length) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	if (!want->aside)
		stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (got != (ssize_t)length) {
		file_over(file, want->fd);
		origin_forget(cache, want, want->chunk * cache->chunk_bytes, length);
	} else if (chunk_keep(cache, file, key, want, *buf, start)) {
		*buf = NULL;
		return want->length;
	}
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

/* --- parts */

/* Store parts `first` and following. True: the buffer is another thread's now. */
static bool parts_keep(struct rawcache *cache, struct file *file, const struct want *want,
		       const struct parts *parts, uint32_t first, char *buf, uint32_t length)
{
	struct fetch some = chunk_whole(cache, file, &parts->key[first], want, buf, clock_mono_ns());

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

/* Fetch some parts around what is wanted; `first` and `count` say which. */
static ssize_t parts_fetch(struct rawcache *cache, struct file *file, const struct want *want,
			   const struct parts *parts, uint32_t first, uint32_t count, char **buf)
{
	uint64_t chunk_start = want->chunk * cache->chunk_bytes;
	uint32_t from = first * PART_BYTES;
	uint32_t to = (uint32_t)min_u64(from + count * PART_BYTES, parts->chunk_length);
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	ssize_t got = io_read_origin(want->fd, *buf, to - from, chunk_start + from);

	if (got < (ssize_t)(want->skip + want->length - from) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + (want->skip - from), want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (got == (ssize_t)(to - from)) {
		if (parts_keep(cache, file, want, parts, first, *buf, to - from))
			*buf = NULL;
		ahead_gave(file, chunk_start + from, chunk_start + to);
	} else {
		file_over(file, want->fd);
	}
	origin_forget(cache, want, chunk_start + from, to - from);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

/* Read the parts that are missing between those that are there. */
static bool parts_complete(const struct parts *parts, uint32_t have, int fd, uint64_t offset,
			   char *buf)
{
	for (uint32_t i = 0; i < parts->count;) {
		uint32_t end = i;
		uint32_t n = 0;

		while (end < parts->count && !(have & 1u << end))
			n += part_length(parts, end++);
		if (n && io_read_origin(fd, buf + i * PART_BYTES, n, offset + i * PART_BYTES) !=
				 (ssize_t)n)
			return false;
		i = end + 1;
	}
	return true;
}

/* True: the buffer is another thread's now. */
static bool merged_keep(struct rawcache *cache, struct file *file, const struct key *key,
			const struct want *want, char *buf, uint32_t length)
{
	struct fetch whole = chunk_whole(cache, file, key, want, buf, clock_mono_ns());

	if (confirm_needed(file) && chunk_hand_over(file, &whole))
		return true;
	if (want_confirmed(file, want))
		chunk_store(cache, key, buf, length);
	return false;
}

/* The rest of a chunk of which much is there: store it whole. */
static ssize_t parts_merge(struct rawcache *cache, struct file *file, const struct key *key,
			   const struct want *want, const struct parts *parts, char **buf)
{
	uint64_t offset = want->chunk * cache->chunk_bytes;
	uint64_t start = clock_mono_ns();
	uint32_t number = number_of(cache, want);
	bool same = file_unchanged(file, want->fd);
	uint32_t have = parts_gather(cache, parts, *buf);

	if (!parts_complete(parts, have, want->fd, offset, *buf) || !want_same(cache, want, number))
		return fill_bypass(cache, file, want);
	if (!same || !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_latency(miss_latency, clock_mono_ns() - start);
	if (guard_copy(want->buf, *buf + want->skip, want->length))
		return -EFAULT;
	stats_add(miss_bytes, want->length);
	if (merged_keep(cache, file, key, want, *buf, parts->chunk_length))
		*buf = NULL;
	CRASH_POINT(part_stored);
	name_store(cache, file, want->fd);
	parts_remove(cache, parts);
	origin_forget(cache, want, offset, parts->chunk_length);
	stats_latency(fill_latency, clock_mono_ns() - start);
	return want->length;
}

static ssize_t parts_miss(struct rawcache *cache, struct file *file, const struct key *key,
			  const struct want *want, char **buf)
{
	uint32_t last = (want->skip + want->length - 1) / PART_BYTES;
	struct parts parts;
	uint32_t first;
	uint32_t count;
	uint32_t wanted;

	parts_find(cache, file, want->chunk, 0, PARTS_MAX - 1, &parts);
	wanted = (2u << last) - (1u << want->skip / PART_BYTES);
	/* fetched between our look and our claim? */
	if ((parts.present & wanted) == wanted)
		return -EAGAIN;
	count = parts_choose(&parts, want, &first);
	if (count == parts.count)
		return parts_merge(cache, file, key, want, &parts, buf);
	return parts_fetch(cache, file, want, &parts, first, count, buf);
}

/* --- misses */

static void fill_plan(struct rawcache *cache, struct file *file, int fd, const struct plan *plan)
{
	uint32_t started = 0;
	uint32_t passed = 0;

	if (!plan->count)
		return;
	while (passed < plan->count) {
		uint64_t chunk = plan->first + (uint64_t)(passed * plan->step);
		enum fetch_result result = fetch_start(cache, file, fd, chunk, plan->ordered && plan->step == 1);

		if (result == FETCH_FULL)
			break;
		started += result == FETCH_STARTED;
		passed++;
	}
	if (started)
		CRASH_POINT(fetch_planned);
	ahead_started(file, plan, passed, started);
}

static ssize_t fill_own(struct rawcache *cache, struct file *file, const struct key *key,
			const struct want *want, const struct plan *plan)
{
	struct found found;
	ssize_t n;
	char *buf;

	/* published between our look and our claim? */
	if (index_find(cache, key, &found) &&
	    found.length == chunk_length(cache, file, want->chunk))
		return -EAGAIN;
	fill_plan(cache, file, want->fd, plan);
	buf = buffer_get();
	if (!buf) {
		extent_failed(cache, -ENOMEM);
		return fill_bypass(cache, file, want);
	}
	n = plan->whole ? chunk_fetch(cache, file, key, want, &buf) :
			  parts_miss(cache, file, key, want, &buf);
	buffer_put(buf);
	return n;
}

/* The part that we need has arrived at somebody else. */
static ssize_t fill_ready(struct rawcache *cache, const struct file *file, const struct want *want,
			  uint64_t place)
{
	ssize_t got = image_pread(&cache->image, CHUNK_PAGE(place), want->skip, want->buf,
				  want->length);

	if (got == -EFAULT)
		return got;
	fence_acquire(); /* pairs with the full fence after the bump in region_recycle() */
	if (got != (ssize_t)want->length ||
	    (load_relaxed(&image_region(&cache->image, CHUNK_PAGE(place))->generation) &
	     0x7fffffffu) != CHUNK_GENERATION(place))
		return -EAGAIN;
	/* who fetches it has not looked yet */
	if (!want->aside && !file_unchanged(file, want->fd))
		return fill_stale(file, want->fd);
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, (uint64_t)got);
	stats_add(miss_bytes, (uint64_t)got);
	return got;
}

static ssize_t fill_claimed(struct rawcache *cache, struct file *file, const struct want *want,
			    const struct plan *plan)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, want->chunk);
	uint64_t start = clock_mono_ns();
	uint64_t place = 0;
	struct flight_need need = { want->skip + want->length, &place };
	ssize_t n;

	switch (flight_begin(cache, &key, &need, &filling.claim)) {
	case FLIGHT_OWNER:
		n = fill_own(cache, file, &key, want, plan);
		flight_end(cache, &filling.claim);
		return n;
	case FLIGHT_READY:
		n = fill_ready(cache, file, want, place);
		if (n >= 0)
			stats_latency(miss_latency, clock_mono_ns() - start);
		return n;
	case FLIGHT_ALONE:
		return fill_bypass(cache, file, want);
	default:
		stats_latency(miss_latency, clock_mono_ns() - start);
		return -EAGAIN;
	}
}

/* --- chunks that were read ahead */

/* If it is ours to store. */
static void fetched_store(void)
{
	bool storing = filling.storing;

	filling.storing = false;
	if (storing)
		fetch_store(filling.fetch);
}

/* Ours to store: a read that came back short, though the file was long enough, goes on. */
static void fetched_rest(struct fetch *fetch, const struct want *want)
{
	struct io_request *request = &fetch->request;
	uint32_t number = number_of(fetch->cache, want);
	ssize_t got = request->result;
	ssize_t more;

	if (got <= 0 || (uint32_t)got == request->length || !file_unchanged(request->file, want->fd))
		return;
	more = io_read_origin(want->fd, request->buf + got, request->length - (uint32_t)got,
			      request->offset + (uint64_t)got);
	if (more > 0 && want_same(fetch->cache, want, number))
		request->result = (int32_t)(got + more);
}

/* Hand the program its bytes from the buffer; what the file was changed by is not for it. */
static ssize_t fetched_deliver(struct file *file, const struct want *want)
{
	struct fetch *fetch = filling.fetch;
	/*
	 * Read before the program asked for it: no older than the file as it was then. Whoever has
	 * looked at the attributes after it was read has seen that it is what the key says, as if it
	 * came from the image.
	 */
	bool unchanged = load_relaxed(&fetch->request.unchanged) || file_unchanged(file, want->fd);
	uint32_t skip = (uint32_t)(want_offset(fetch->cache, want) - fetch->request.offset);

	if (fetch->request.result < (int32_t)(skip + want->length) || !unchanged)
		return -ESTALE;
	return guard_copy(want->buf, fetch->request.buf + skip, want->length) ?
		       -EFAULT :
		       (ssize_t)want->length;
}

/* The chunk was read ahead, or is being, or is not stored yet: deliver it. */
static ssize_t fill_fetched(struct rawcache *cache, struct file *file, const struct want *want)
{
	struct fetch *fetch = filling.fetch;
	uint64_t start = clock_mono_ns();
	ssize_t n;

	io_wait(&fetch->request);
	filling.storing = fetch_claim(fetch);
	if (filling.storing)
		fetched_rest(fetch, want);
	n = fetched_deliver(file, want);
	if (n < 0) {
		if (n == -ESTALE)
			fetch_reject(fetch);
		filling_leave_fetch();
		return n == -ESTALE ? fill_bypass(cache, file, want) : n;
	}
	stats_latency(miss_latency, clock_mono_ns() - start);
	stats_add(miss_bytes, want->length);
	name_store(cache, file, want->fd);
	fetched_store();
	filling_leave_fetch();
	return n;
}

/* Store what has arrived, for other processes may wait for it. */
static void fill_publish(struct file *file, int fd, int max)
{
	const struct want any = { .fd = fd };

	for (int i = 0; i < max; i++) {
		filling.fetch = fetch_take_done(file);
		if (!filling.fetch)
			return;
		filling.storing = true;
		fetched_rest(filling.fetch, &any);
		if (file_unchanged(file, fd))
			fetched_store();
		filling_leave_fetch();
	}
}

static void settle(struct file *file, int fd, bool small)
{
	fill_publish(file, fd, INT_MAX);
	fetch_settle(file, small);
}

/* The read that reaches the end of a file returns when all is stored: the program may end. */
static bool want_is_last(const struct rawcache *cache, const struct file *file,
			 const struct want *want)
{
	return want->chunk * cache->chunk_bytes + want->skip + want->length == file->size;
}

ssize_t fill_chunk(struct rawcache *cache, struct file *file, const struct want *want)
{
	volatile uintptr_t seal = FILLING_SEAL;
	struct plan plan;
	ssize_t n;

	if (!storage_probe(cache) || cache->image.read_only || cache_slot_need(cache) ||
	    !confirm_pages(file, want->fd))
		return fill_bypass(cache, file, want);
	if (!filling_begin(cache, file, (const uintptr_t *)&seal)) {
		stats_bypass(RAWCACHE_REASON_nested);
		return fill_bypass(cache, file, want);
	}
	if (want->aside)
		plan = (struct plan){ .whole = true, .ordered = true };
	else
		ahead_note(cache, file, want, &plan);
	filling.ordered = plan.ordered;
	filling.stream = file_stream(file, want->chunk);
	filling.fetch = fetch_take(file, want->chunk, want_offset(cache, want),
				   want_offset(cache, want) + want->length);
	if (filling.fetch) {
		fill_plan(cache, file, want->fd, &plan);
		n = fill_fetched(cache, file, want);
	} else {
		/* whoever we are going to wait for may be waiting for us */
		fill_publish(file, want->fd, PUBLISH_MAX);
		n = fill_claimed(cache, file, want, &plan);
	}
	if (n > 0)
		chunk_fresh(file, want->chunk, want->skip + (uint32_t)n);
	if (n > 0 && want_is_last(cache, file, want))
		settle(file, want->fd, false);
	filling_end();
	seal = 0;
	return n;
}

void fill_touch(struct rawcache *cache, struct file *file, const struct want *want)
{
	volatile uintptr_t seal = FILLING_SEAL;
	struct plan plan;

	if (load_relaxed(&cache->broken) || cache_slot_need(cache) ||
	    !confirm_pages(file, want->fd) ||
	    !filling_begin(cache, file, (const uintptr_t *)&seal))
		return;
	ahead_note(cache, file, want, &plan);
	fill_plan(cache, file, want->fd, &plan);
	fill_publish(file, want->fd, PUBLISH_MAX);
	filling_end();
	seal = 0;
}

void fill_settle(struct rawcache *cache, struct file *file, int fd)
{
	volatile uintptr_t seal = FILLING_SEAL;

	if (load_relaxed(&cache->broken) || !filling_begin(cache, file, (const uintptr_t *)&seal))
		return;
	settle(file, fd, true);
	filling_end();
	seal = 0;
}

uint32_t fill_ahead(struct rawcache *cache, struct file *file, int fd, uint64_t first,
		    uint64_t chunks)
{
	uint32_t started = 0;

	if (!confirm_pages(file, fd))
		return 0;
	for (uint64_t i = 0; i < chunks; i++) {
		enum fetch_result result = fetch_start(cache, file, fd, first + i, true);

		if (result == FETCH_FULL)
			break;
		started += result == FETCH_STARTED;
	}
	if (started)
		store_relaxed(&file->ahead.live, 1);
	return started;
}
