/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/handle.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"

#include "shim/attach.h"

#define RETRY_SLACK_MS 10 /* the coarse clock's */

static pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *free_first, *free_last;
static unsigned int free_count;

static void lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&handle_lock);
}

static void unlock(struct critical *critical)
{
	pthread_mutex_unlock(&handle_lock);
	critical_leave(critical);
}

static struct handle *handle_get(void)
{
	struct handle *handle = NULL;
	struct critical critical;

	lock(&critical);
	if (free_count > HANDLE_REST) {
		handle = free_first;
		free_first = handle->next;
		free_count--;
	}
	pthread_mutex_unlock(&handle_lock);
	if (!handle)
		handle = memory_get(sizeof(*handle));
	critical_leave(&critical);
	return handle;
}

struct handle *handle_make(bool writer, uint64_t position)
{
	struct handle *handle = handle_get();

	if (!handle)
		return NULL;
	position_init(&handle->position, handle, position);
	store_relaxed(&handle->file, RAWCACHE_NO_FILE);
	handle->size = 0;
	handle->checked_ms = 0;
	handle->retry_ms = HANDLE_NEVER;
	handle->reason = RAWCACHE_REASON_none;
	handle->writer = writer;
	/* pairs with the compare and swap in handle_hold() */
	store_release(&handle->refs, 1);
	return handle;
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
	struct critical critical;
	uint64_t file;

	lock(&critical);
	handle->generation++;
	file = handle->file;
	store_release(&handle->file, RAWCACHE_NO_FILE);
	handle->next = NULL;
	if (free_count++)
		free_last->next = handle;
	else
		free_first = handle;
	free_last = handle;
	unlock(&critical);
	if (file != RAWCACHE_NO_FILE)
		rawcache_file_put(attach_cache_now(), file);
}

void handle_release(struct handle *handle)
{
	if (fetch_sub(&handle->refs, 1) == 1)
		handle_free(handle);
}

void handle_set_file(struct handle *handle, uint64_t generation, uint64_t file,
		     enum rawcache_reason reason, const struct statx *stx)
{
	uint64_t now = clock_coarse_ms();
	struct critical critical;
	uint64_t put = file;

	lock(&critical);
	if (handle->generation == generation && load_relaxed(&handle->refs)) {
		handle->stx = *stx;
		handle->reason = reason;
		store_relaxed(&handle->retry_ms, now + attach_config.settle_ms + RETRY_SLACK_MS);
		store_relaxed(&handle->size, stx->stx_size);
		store_relaxed(&handle->checked_ms, now);
		put = __atomic_exchange_n(&handle->file, file, __ATOMIC_ACQ_REL);
	}
	unlock(&critical);
	if (put != RAWCACHE_NO_FILE)
		rawcache_file_put(attach_cache_now(), put);
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool handle_same(const struct handle *handle, const struct statx *stx)
{
	return handle->stx.stx_size == stx->stx_size &&
	       same_time(&handle->stx.stx_mtime, &stx->stx_mtime) &&
	       same_time(&handle->stx.stx_ctime, &stx->stx_ctime);
}

void handle_fork_prepare(void)
{
	pthread_mutex_lock(&handle_lock);
}

void handle_fork_release(void)
{
	pthread_mutex_unlock(&handle_lock);
}
