/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include <rawcache/embed.h>

#include "shim/table/handle.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"

#include "shim/table/attach.h"
#include "shim/table/news.h"

#define RETRY_SLACK_MS 10 /* tolerance of the coarse clock */
/* Assumed, as in look.h, until it is known what a look takes. */
#define LOOK_BYTES (UINT64_C(1) << 20)
#define LOOK_SYNC_MS 1000 /* RAWCACHE_REVALIDATE=sync: each look is a request */

/*
 * Free handles: a bounded queue in which every place has a sequence number that says whose turn it is (D.
 * Vyukov, "Bounded MPMC queue"). No thread waits for another: a place that is not ready, because a thread
 * was interrupted there, counts as a full or an empty queue, and a list of memory.h is used instead.
 */
#define REST 256 /* handles that rest at least */
#define PLACES 1024u

static large_table struct {
	uint32_t sequence; /* minus its index: a multiple of PLACES when free, 1 more when taken */
	struct handle *handle;
} queue[PLACES];
static uint32_t queue_in, queue_out;
static struct memory_same overflow;

static bool free_queue_put(struct handle *handle)
{
	uint32_t at = load_relaxed(&queue_in);

	for (;;) {
		uint32_t i = at % PLACES;

		if (load_acquire(&queue[i].sequence) != at - i)
			return false;
		if (!cas(&queue_in, &at, at + 1))
			continue;
		queue[i].handle = handle;
		/* pairs with the acquire load in queue_get() */
		store_release(&queue[i].sequence, at - i + 1);
		return true;
	}
}

static struct handle *queue_get(void)
{
	uint32_t at = load_relaxed(&queue_out);

	for (;;) {
		uint32_t i = at % PLACES;
		struct handle *handle;

		if (load_relaxed(&queue_in) - at <= REST ||
		    load_acquire(&queue[i].sequence) != at - i + 1)
			return NULL;
		if (!cas(&queue_out, &at, at + 1))
			continue;
		handle = queue[i].handle;
		/* free for the next round; pairs with the acquire load in free_queue_put() */
		store_release(&queue[i].sequence, at - i + PLACES);
		return handle;
	}
}

static struct handle *handle_get(void)
{
	struct handle *handle = queue_get();
	struct critical critical;

	if (handle)
		return handle;
	critical_enter(&critical);
	handle = memory_get_same(&overflow, sizeof(*handle));
	critical_leave(&critical);
	return handle;
}

static void handle_put(struct handle *handle)
{
	struct critical critical;

	if (free_queue_put(handle))
		return;
	critical_enter(&critical);
	memory_put_same(&overflow, handle, sizeof(*handle));
	critical_leave(&critical);
}

static uint32_t counts[HANDLE_WRITES + 1];
uint32_t handle_frozen;

uint32_t handle_writers(void)
{
	return load_relaxed(&counts[HANDLE_WRITES]);
}

uint32_t handle_may_write(void)
{
	return load_relaxed(&counts[HANDLE_MAY_WRITE]);
}

struct handle *handle_make(enum handle_mode mode, uint64_t position)
{
	struct handle *handle = handle_get();

	if (!handle)
		return NULL;
	position_init(&handle->position, handle, position);
	store_relaxed(&handle->file, RAWCACHE_NO_FILE);
	store_relaxed(&handle->guess, HANDLE_NO_GUESS);
	handle->size = 0;
	handle->checked_ms = 0;
	handle->look_ms = HANDLE_NEVER;
	handle->look_bytes = LOOK_BYTES;
	handle->look_wait_ms = 1;
	handle->heard = news_heard_now();
	handle->retry_ms = HANDLE_NEVER;
	handle->reason = RAWCACHE_REASON_none;
	handle->directory = 0;
	store_relaxed(&handle->mode, mode);
	fetch_add(&counts[mode], 1);
	handle->updating = 0;
	handle->frozen = 0;
	/* pairs with the compare and swap in handle_hold() */
	store_release(&handle->refs, 1);
	return handle;
}

void handle_freeze(struct handle *handle, uint8_t tree, uint32_t number, const struct statx *stx)
{
	handle->stx = *stx;
	handle->tree = tree;
	handle->frozen = number + 1;
	fetch_add(&handle_frozen, 1);
}

bool handle_hold(struct handle *handle)
{
	uint32_t refs = load_acquire(&handle->refs);

	while (refs)
		if (cas(&handle->refs, &refs, refs + 1))
			return true;
	return false;
}

static void handle_free(struct handle *handle)
{
	uint32_t mode = load_acquire(&handle->mode);
	uint64_t file;

	fetch_add(&handle->generation, 1);
	fetch_sub(&counts[mode], 1);
	if (handle->frozen)
		fetch_sub(&handle_frozen, 1);
	file = __atomic_exchange_n(&handle->file, RAWCACHE_NO_FILE, __ATOMIC_ACQ_REL);
	if (mode != HANDLE_READS)
		rawcache_file_writer_end(attach_cache_now(), &handle->stx);
	handle_put(handle);
	if (file != RAWCACHE_NO_FILE)
		rawcache_file_put(attach_cache_now(), file);
}

void handle_release(struct handle *handle)
{
	if (fetch_sub(&handle->refs, 1) == 1)
		handle_free(handle);
}

void handle_checked(struct handle *handle, uint64_t now)
{
	uint64_t every = attach_config.revalidate_ms;

	if (news_of(&handle->stx))
		store_relaxed(&handle->look_bytes, 0);
	store_relaxed(&handle->checked_ms, now);
	if (every == CONFIG_REVALIDATE_SYNC)
		store_relaxed(&handle->look_ms, now + LOOK_SYNC_MS);
	else if (every != CONFIG_REVALIDATE_OPEN)
		store_relaxed(&handle->look_ms,
			      now + min_u64(every, load_relaxed(&handle->look_wait_ms)));
}

static uint64_t file_exchange(struct handle *handle, uint64_t file, enum rawcache_reason reason,
			      const struct statx *stx, uint64_t stx_ms)
{
	/* first: attributes must never vouch for a number that is older than they are */
	uint64_t before = __atomic_exchange_n(&handle->file, file, __ATOMIC_ACQ_REL);

	handle->stx = *stx;
	handle->reason = reason;
	store_relaxed(&handle->size, stx->stx_size);
	handle_checked(handle, stx_ms);
	store_relaxed(&handle->retry_ms, handle_is_writer(handle) ?
						 HANDLE_NEVER :
						 stx_ms + attach_config.settle_ms + RETRY_SLACK_MS);
	return before;
}

/* The handle is not served any more. A thread that works on its file meanwhile comes here too. */
static void writer_unserve(struct handle *handle)
{
	uint64_t file = RAWCACHE_NO_FILE;

	if (__atomic_exchange_n(&handle->updating, 1, __ATOMIC_ACQUIRE))
		return;
	file = __atomic_exchange_n(&handle->file, RAWCACHE_NO_FILE, __ATOMIC_ACQ_REL);
	handle->reason = RAWCACHE_REASON_open_mode;
	store_relaxed(&handle->retry_ms, HANDLE_NEVER);
	store_release(&handle->updating, 0);
	if (file != RAWCACHE_NO_FILE)
		rawcache_file_put(attach_cache_now(), file);
}

void handle_set_file(struct handle *handle, uint64_t generation, uint64_t file,
		     enum rawcache_reason reason, const struct statx *stx, uint64_t stx_ms)
{
	uint64_t put = file;

	/*
	 * while we hold it, it lives; and if its generation is the one that was seen, it lived all the time
	 */
	if (handle_hold(handle)) {
		if (load_acquire(&handle->generation) == generation &&
		    !__atomic_exchange_n(&handle->updating, 1, __ATOMIC_ACQUIRE)) {
			put = file_exchange(handle, file, reason, stx, stx_ms);
			store_release(&handle->updating, 0);
		}
		fence_full(); /* either we see handle_write_slow()'s change, or it sees ours */
		if (handle_is_writer(handle))
			writer_unserve(handle);
		handle_release(handle);
	}
	if (put != RAWCACHE_NO_FILE)
		rawcache_file_put(attach_cache_now(), put);
}

bool handle_write_slow(struct handle *handle, int fd)
{
	uint32_t mode = HANDLE_MAY_WRITE;

	if (!handle_hold(handle))
		return false;
	position_share(&handle->position, fd);
	news_writes(&handle->stx);
	/* before any thread believes that it was announced: another one may write through it, too */
	rawcache_file_changed(attach_cache_now(), &handle->stx);
	if (cas(&handle->mode, &mode, HANDLE_WRITES)) {
		fetch_add(&counts[HANDLE_WRITES], 1);
		fetch_sub(&counts[HANDLE_MAY_WRITE], 1);
		fence_full();
		writer_unserve(handle);
	}
	handle_release(handle);
	return true;
}

void handle_begin(struct handle *handle, uint64_t file, enum rawcache_reason reason,
		  const struct statx *stx, uint64_t stx_ms)
{
	file_exchange(handle, file, reason, stx, stx_ms);
}

bool handle_same(const struct handle *handle, const struct statx *stx)
{
	return handle->stx.stx_size == stx->stx_size &&
	       sys_timestamp_same(&handle->stx.stx_mtime, &stx->stx_mtime) &&
	       sys_timestamp_same(&handle->stx.stx_ctime, &stx->stx_ctime);
}
