/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/map_follow.h"

#include <linux/futex.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/origin/confirm.h"
#include "core/origin/file.h"
#include "core/origin/pool.h"
#include "core/shared/cache.h"
#include "core/shared/slot.h"
#include "core/tier/tier.h"
#include "core/zerocopy/map_follow_list.h"

#define FOLLOWED_MAX 32u /* each costs a look at its pages in every round */

static struct pool followers = { .work = follow_work,
				 .lasts = true,
				 .limit = 1,
				 .idle_ms = 1, /* it has descriptors of a cache that may be gone */
				 .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- for the program's threads */

static struct followed *followed_make(struct rawcache *cache, struct file *file, int fd,
				      uintptr_t start, uint64_t length, uint64_t offset)
{
	uint64_t first = offset / cache->chunk_bytes;
	uint64_t chunks = (offset + length - 1) / cache->chunk_bytes - first + 1;
	size_t words = (chunks + 63) / 64;
	size_t bytes = sizeof(struct followed) + 3 * words * sizeof(uint64_t);
	struct followed *followed = NULL;
	struct critical critical;

	follow_list_enter(&critical);
	if (follow_list.count < FOLLOWED_MAX)
		followed = memory_get(bytes);
	if (followed) {
		*followed = (struct followed){ .next = follow_list.first,
					       .cache = cache,
					       .file = file,
					       .start = start,
					       .offset = offset,
					       .length = length,
					       .bytes = bytes,
					       .made = clock_coarse_ms(),
					       .users = 2,
					       .early = FOLLOW_EARLY,
					       .fd = fd,
					       .first = first,
					       .done = followed->touched + words,
					       .asked = followed->touched + 2 * words };
		follow_list.first = followed;
		store_relaxed(&follow_list.count, follow_list.count + 1);
	}
	follow_list_leave(&critical);
	return followed;
}

/* What this thread waits for: it may leave the wait by siglongjmp(), or be cancelled. */
static tls_initial struct followed *awaited;

void follow_wait_end(void)
{
	struct followed *followed = awaited;
	uint32_t asked = FOLLOW_ASKED;

	if (!followed)
		return;
	awaited = NULL;
	/* a reference may stay for ever rather than be released twice */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	cas(&followed->state, &asked, FOLLOW_REFUSED);
	followed_put(followed);
}

/* Wait until the thread has what it needs from the program. */
static void followed_wait(const struct followed *followed)
{
	uint64_t end = clock_coarse_ms() + FOLLOW_TAKE_MS;

	while (load_acquire(&followed->state) == FOLLOW_ASKED && clock_coarse_ms() < end)
		futex_nap(&followed->state, FOLLOW_ASKED, FOLLOW_TAKE_MS);
}

/* Returns true if there is an answer to wait for, in `awaited`. */
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

bool follow_can(const struct rawcache *cache)
{
	return !load_relaxed(&follow_blind) && cache->options.io != RAWCACHE_IO_SYNC &&
	       !cache->options.direct;
}

void follow_mapping(struct rawcache *cache, struct file *file, int fd, const void *address,
		    uint64_t length, uint64_t offset)
{
	struct critical critical;
	bool asked;

	if (!length || !follow_can(cache) || cache->image.read_only || cache_slot_need(cache))
		return;
	follow_wait_end();
	/* asked now: pages that the program has touched stay in the kernel's cache */
	confirm_pages(file, fd);
	critical_enter(&critical);
	asked = followed_ask(cache, file, fd, (uintptr_t)address, length, offset);
	critical_leave(&critical);
	if (!asked)
		return;
	followed_wait(awaited);
	follow_wait_end();
}

static bool followed_is(const struct followed *followed, const struct rawcache *cache,
			uintptr_t start, uintptr_t end)
{
	return (!cache || followed->cache == cache) && followed->start < end &&
	       start < followed->start + followed->length;
}

static void thread_wake(void)
{
	fetch_add(&followers.queued, 1);
	sys_futex(&followers.queued, FUTEX_WAKE_PRIVATE, 1, NULL);
}

/*
 * Stop following a range of a cache's mappings (NULL: of all). Returns how many the thread has yet to free.
 */
static uint32_t list_dismiss(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	struct critical critical;
	uint32_t left = 0;

	if (!load_relaxed(&follow_list.count))
		return 0;
	follow_list_enter(&critical);
	for (struct followed *followed = follow_list.first; followed; followed = followed->next)
		if (followed_is(followed, cache, start, end)) {
			store_relaxed(&followed->unwanted, 1);
			left++;
		}
	follow_list_leave(&critical);
	if (left)
		thread_wake();
	return left;
}

/* The same with one more round. Returns when the oldest of them was made. */
static uint64_t list_finish(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	uint64_t made = UINT64_MAX;
	struct critical critical;

	follow_list_enter(&critical);
	for (struct followed *followed = follow_list.first; followed; followed = followed->next)
		if (followed_is(followed, cache, start, end) &&
		    load_acquire(&followed->state) == FOLLOW_TAKEN) {
			store_release(&followed->last, 1);
			made = min_u64(made, followed->made);
		}
	follow_list_leave(&critical);
	thread_wake();
	return made;
}

/* Wait until `end`, in clock_coarse_ms(), or until one of them has left the list since it was `seen` times. */
static void list_wait(uint32_t seen, uint64_t end)
{
	uint64_t now = clock_coarse_ms();

	if (now < end)
		futex_nap(&follow_list.ended, seen, end - now);
}

static bool list_has(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	struct critical critical;
	bool has = false;

	follow_list_enter(&critical);
	for (const struct followed *followed = follow_list.first; followed && !has;
	     followed = followed->next)
		has = followed_is(followed, cache, start, end);
	follow_list_leave(&critical);
	return has;
}

/*
 * Store now what was touched since the last round: a program that ends after a look-up must leave something
 * behind. The wait is a small part of the time for which it had the mapping.
 */
static void follow_finish(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	uint32_t seen = load_acquire(&follow_list.ended);
	uint64_t now = clock_coarse_ms();
	uint64_t made;

	if (!load_relaxed(&follow_list.count))
		return;
	made = list_finish(cache, start, end);
	if (made == UINT64_MAX)
		return;
	made = now + min_u64(FOLLOW_FINISH_MAX_MS,
			     max_u64(FOLLOW_FINISH_MIN_MS, (now - made) / FOLLOW_FINISH_SHARE));
	while (list_has(cache, start, end) && clock_coarse_ms() < made) {
		list_wait(seen, made);
		seen = load_acquire(&follow_list.ended);
	}
}

void follow_unmapped(const struct rawcache *cache, uintptr_t start, uintptr_t end)
{
	uint64_t patience = clock_coarse_ms() + FOLLOW_CLOSE_MS;
	uint32_t seen;

	follow_finish(cache, start, end);
	while ((seen = load_acquire(&follow_list.ended), list_dismiss(cache, start, end)) &&
	       clock_coarse_ms() < patience)
		list_wait(seen, patience);
}

void rawcache_settle(void)
{
	follow_finish(NULL, 0, UINTPTR_MAX);
	fetch_settle(NULL, true);
	tier_settle();
}

/*
 * The program ends: it has its last bytes, but the image may not. Runs after all other destructors of ours.
 * Helper threads do the work: if there are none, no system call is made, because the program may be
 * confined to its own.
 */
__attribute__((destructor(101))) static void follow_exit(void)
{
	if (rawcache_helper_threads())
		rawcache_settle();
}

void follow_dismiss(void)
{
	list_dismiss(NULL, 0, UINTPTR_MAX);
}

void follow_drop_all(const struct rawcache *cache)
{
	uint32_t seen;

	while ((seen = load_acquire(&follow_list.ended), list_dismiss(cache, 0, UINTPTR_MAX)))
		list_wait(seen, clock_coarse_ms() + FOLLOW_CLOSE_MS);
}

/* --- fork */

void follow_fork_prepare(void)
{
	pthread_mutex_lock(&follow_list.lock);
	pool_fork_prepare(&followers);
}

void follow_fork_parent(void)
{
	pool_fork_parent(&followers);
	pthread_mutex_unlock(&follow_list.lock);
}

void follow_fork_child(void)
{
	pool_fork_child(&followers);
	follow_list.first = NULL; /* they belong to the parent's thread */
	follow_list.count = 0;
	pthread_mutex_unlock(&follow_list.lock);
}
