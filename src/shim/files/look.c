/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/look.h"

#include <errno.h>

#include <rawcache/embed.h>
#include <rawcache/zerocopy.h>

#include "base/checked.h"
#include "base/sys.h"

#include "shim/libc/thread.h"
#include "shim/table/attach.h"

/* Looks may take one part in this many of the time. */
#define LOOK_SHARE 256u
/* Bytes that are copied while a look takes a nanosecond, times what it may cost: 1/64 at 10 GB/s. */
#define LOOK_COPY 640u
/* A handle whose next look is more than this away has had several that took long. */
#define LOOK_DEAR_MS 16u

/* Looks that took less than 8 us, or two in a row that had to wait: of a mount that is asked, three looks a handle. */
#define LOOK_CHEAP_MS 4u

/*
 * Learn from the time that a look took. It may include a wait for the processor: one long look only doubles
 * the time until the next.
 */
static void look_learn(struct handle *handle, uint64_t ns)
{
	uint32_t wait = load_relaxed(&handle->look_wait_ms);
	uint64_t bytes = load_relaxed(&handle->look_bytes);
	uint64_t most = wait * 2ull < attach_config.revalidate_ms ? wait * 2ull :
								    attach_config.revalidate_ms;

	store_relaxed(&handle->look_wait_ms,
		      (uint32_t)max_u64(1, min_u64(ns * LOOK_SHARE / 1000000, most)));
	store_relaxed(&handle->look_bytes, min_u64(ns * LOOK_COPY, bytes * 2));
}

static void handle_heard(struct handle *handle, const struct news_heard *heard)
{
	store_relaxed(&handle->heard.ended, heard->ended);
	store_relaxed(&handle->heard.all, heard->all);
}

/* `ask`: as RAWCACHE_REVALIDATE says; otherwise at what the kernel has. */
static bool look_at(struct handle *handle, int fd, bool ask)
{
	bool sync = attach_config.revalidate_ms >= CONFIG_REVALIDATE_SYNC;
	uint64_t now = clock_coarse_ms();
	uint64_t start = clock_mono_ns();
	struct news_heard heard = news_heard_now();
	struct statx stx;

	if (ask ? attach_fstatx(fd, &stx) : sys_fstatx(fd, &stx))
		return false;
	if (!handle_same(handle, &stx)) {
		rawcache_file_seen(attach_cache_now(), &stx);
		return false;
	}
	if (!sync)
		look_learn(handle, clock_mono_ns() - start);
	if (ask || !sync)
		handle_checked(handle, now);
	handle_heard(handle, &heard);
	fence_acquire(); /* a number that is loaded after this is no older; see file_exchange() */
	return true;
}

bool look_same(struct handle *handle, int fd)
{
	return look_at(handle, fd, true);
}

/*
 * Whether each look costs a request, not only one in which the thread had to wait, and the last one was not
 * long ago.
 */
static bool look_too_dear(const struct handle *handle, uint64_t now)
{
	uint32_t wait = load_relaxed(&handle->look_wait_ms);

	return wait > LOOK_DEAR_MS && now < load_relaxed(&handle->checked_ms) + wait;
}

/* Whether the kernel answers looks without a request, as far as is known. */
static bool look_is_cheap(const struct handle *handle)
{
	return attach_config.revalidate_ms < CONFIG_REVALIDATE_SYNC &&
	       load_relaxed(&handle->look_wait_ms) <= LOOK_CHEAP_MS;
}

bool look_before(struct handle *handle, int fd, size_t n, uint64_t end)
{
	struct news_heard heard = news_heard_now();

	if (look_due_itself(handle, n, end) || heard.ended != load_relaxed(&handle->heard.ended))
		return look_at(handle, fd, true);
	if (news_told(&heard) != news_told(&handle->heard) ?
		    !look_too_dear(handle, clock_coarse_ms()) :
		    look_is_cheap(handle))
		return look_at(handle, fd, false);
	handle_heard(handle, &heard);
	return true;
}

static void handle_look_after(struct handle *handle, int fd)
{
	uint64_t now = clock_coarse_ms();
	uint64_t start = clock_mono_ns();
	struct statx stx;

	if (!rawcache_file_known(attach_cache_now(), &handle->stx) || look_too_dear(handle, now) ||
	    sys_fstatx(fd, &stx))
		return;
	look_learn(handle, clock_mono_ns() - start);
	store_relaxed(&handle->checked_ms, now);
	look_seen(handle, &stx, now);
}

void look_after_slow(int fd)
{
	struct handle *handle = fdtab_get(fd);
	int saved = errno;

	if (!fdtab_is_handle(handle) || !attach_cache_now() || thread_is_foreign() ||
	    !thread_enter())
		return;
	handle_look_after(handle, fd);
	thread_leave();
	errno = saved;
}

void look_seen(struct handle *handle, const struct statx *stx, uint64_t now)
{
	if (handle && load_acquire(&handle->file) != RAWCACHE_NO_FILE && handle_same(handle, stx))
		handle_checked(handle, now);
	else
		rawcache_file_seen(attach_cache_now(), stx);
}

void look_size(const struct handle *handle, uint64_t size)
{
	if (size != load_relaxed(&handle->size))
		rawcache_file_doubt(attach_cache_now(), &handle->stx, false);
}

void look_again(int fd, bool ask)
{
	struct handle *handle = fdtab_get(fd);
	struct statx stx;

	if (fdtab_is_handle(handle) && !thread_is_foreign())
		rawcache_file_doubt(attach_cache_now(), &handle->stx, ask);
	else
		return;
	/* a thread that reads through a mapping makes no call in which it could look */
	if (ask && rawcache_maps_shown(attach_cache_now()) && !sys_fstatx_sync(fd, &stx))
		rawcache_file_seen(attach_cache_now(), &stx);
}

static bool beside_doubt(struct handle *handle, const void *arg)
{
	const struct handle *locked = arg;

	if (handle != locked && handle->directory == locked->directory)
		rawcache_file_doubt(attach_cache_now(), &handle->stx, true);
	return false; /* the other handles of the file find out too */
}

void look_locked(int fd)
{
	struct handle *handle = fdtab_get(fd);

	/* also files elsewhere: who held the lock may have changed them */
	news_hear();
	look_again(fd, true);
	if (fdtab_is_handle(handle) && !thread_is_foreign())
		fdtab_find(beside_doubt, handle);
}
