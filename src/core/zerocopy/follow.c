/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/follow.h"

#include <linux/futex.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/origin/file.h"
#include "core/origin/pool.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/zerocopy/follow_list.h"

#define FOLLOWED_MAX 32u
#define NAP_NS 1000000

static struct pool followers = { .work = follow_work,
				 .lasts = true,
				 .limit = 1,
				 .idle_ms = 1, /* it has descriptors of a cache that may be gone */
				 .lock = PTHREAD_MUTEX_INITIALIZER };
/* Of all that was asked for and is not freed. */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct followed *list;
static uint32_t list_count;

static void list_enter(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&list_lock);
}

static void list_leave(const struct critical *critical)
{
	pthread_mutex_unlock(&list_lock);
	critical_leave(critical);
}

void followed_unlink(struct followed *followed)
{
	struct critical critical;

	list_enter(&critical);
	for (struct followed **link = &list; *link; link = &(*link)->next)
		if (*link == followed) {
			*link = followed->next;
			store_relaxed(&list_count, list_count - 1);
			break;
		}
	list_leave(&critical);
}

/* --- for the program's threads */

static struct followed *followed_make(struct rawcache *cache, struct file *file, int fd,
				      uintptr_t start, uint64_t length, uint64_t offset)
{
	uint64_t first = offset / cache->chunk_bytes;
	uint64_t chunks = (offset + length - 1) / cache->chunk_bytes - first + 1;
	size_t words = (chunks + 63) / 64;
	size_t bytes = sizeof(struct followed) + 2 * words * sizeof(uint64_t);
	struct followed *followed = NULL;
	struct critical critical;

	list_enter(&critical);
	if (list_count < FOLLOWED_MAX)
		followed = memory_get(bytes);
	if (followed) {
		*followed = (struct followed){ .next = list,
					       .cache = cache,
					       .file = file,
					       .start = start,
					       .offset = offset,
					       .length = length,
					       .bytes = bytes,
					       .users = 2,
					       .fd = fd,
					       .first = first,
					       .done = followed->touched + words };
		list = followed;
		store_relaxed(&list_count, list_count + 1);
	}
	list_leave(&critical);
	return followed;
}

/* What this thread waits for: it may leave that by siglongjmp(), or be cancelled. */
static tls_initial struct followed *awaited;

void follow_wait_end(void)
{
	struct followed *followed = awaited;
	uint32_t asked = FOLLOW_ASKED;

	if (!followed)
		return;
	awaited = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* rather never given back than twice */
	cas(&followed->state, &asked, FOLLOW_REFUSED);
	followed_put(followed);
}

/* Until the thread has what it needs of the program. */
static void followed_wait(const struct followed *followed)
{
	uint64_t end = clock_coarse_ms() + FOLLOW_TAKE_MS;

	while (load_acquire(&followed->state) == FOLLOW_ASKED && clock_coarse_ms() < end)
		futex_nap(&followed->state, FOLLOW_ASKED, FOLLOW_TAKE_MS);
}

/* True: there is an answer to wait for, to `awaited`. */
static bool followed_ask(struct rawcache *cache, struct file *file, int fd, uintptr_t start,
			 uint64_t length, uint64_t offset)
{
	struct followed *followed;

	if (!file_hold(cache, file, file_handle(file)))
		return false;
	followed = followed_make(cache, file, fd, start, length, offset);
	if (!followed) {
		file_release(cache, file);
		return false;
	}
	if (!pool_add(&followers, &followed->job, true)) {
		awaited = followed;
		return true;
	}
	followed->fd = -1;
	followed_end(followed);
	followed_put(followed);
	return false;
}

void follow_mapping(struct rawcache *cache, struct file *file, int fd, const void *address,
		    uint64_t length, uint64_t offset)
{
	struct critical critical;
	bool asked;

	if (!length || cache->options.io == RAWCACHE_IO_SYNC || cache->options.direct ||
	    cache->image.read_only || cache_slot_need(cache))
		return;
	follow_wait_end();
	critical_enter(&critical);
	asked = followed_ask(cache, file, fd, (uintptr_t)address, length, offset);
	critical_leave(&critical);
	if (!asked)
		return;
	followed_wait(awaited);
	follow_wait_end();
}

/* What a range of a cache's mappings (NULL: of all) has is unwanted; how many the thread has yet to free. */
static uint32_t list_dismiss(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	struct critical critical;
	uint32_t left = 0;

	if (!load_relaxed(&list_count))
		return 0;
	list_enter(&critical);
	for (struct followed *followed = list; followed; followed = followed->next)
		if ((!cache || followed->cache == cache) && followed->start < end &&
		    start < followed->start + followed->length) {
			store_relaxed(&followed->unwanted, 1);
			left++;
		}
	list_leave(&critical);
	if (left) {
		fetch_add(&followers.queued, 1);
		sys_futex(&followers.queued, FUTEX_WAKE_PRIVATE, 1, NULL);
	}
	return left;
}

void follow_unmapped(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	struct timespec nap = { 0, NAP_NS };
	uint64_t patience = clock_coarse_ms() + FOLLOW_CLOSE_MS;

	while (list_dismiss(cache, start, end) && clock_coarse_ms() < patience)
		sys_nanosleep(&nap);
}

void follow_dismiss(void)
{
	list_dismiss(NULL, 0, UINTPTR_MAX);
}

void follow_drop_all(const struct rawcache *cache)
{
	struct timespec nap = { 0, NAP_NS };

	while (list_dismiss(cache, 0, UINTPTR_MAX))
		sys_nanosleep(&nap);
}

/* --- fork */

void follow_fork_prepare(void)
{
	pthread_mutex_lock(&list_lock);
	pool_fork_prepare(&followers);
}

void follow_fork_parent(void)
{
	pool_fork_parent(&followers);
	pthread_mutex_unlock(&list_lock);
}

void follow_fork_child(void)
{
	pool_fork_child(&followers);
	list = NULL; /* the parent's thread's */
	list_count = 0;
	pthread_mutex_unlock(&list_lock);
}
