/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/watcher.h"

#include <errno.h>
#include <linux/close_range.h>
#include <stddef.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/origin/pool.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/recall.h"
#include "core/shared/watch.h"

/* How long it stays with nothing to watch: programs unmap a window and map the next. */
#define LINGER_MS 100u
/* Whether the program's own threads have ended is looked at so often. */
#define ALONE_MS 5000u
/* Files of which the kernel has the attributes are looked at so often, for this share of the time. */
#define LOCAL_MS 10u
#define LOCAL_SHARE 256u
#define NAP_NS 1000000

struct watcher {
	struct pool_job job;
	struct rawcache *cache;
	uint32_t number;
};

static void watcher_work(struct pool *pool);

static struct pool watchers = { .lasts = true,
				.work = watcher_work,
				.limit = 64, /* caches of a process */
				.idle_ms = 1,
				.lock = PTHREAD_MUTEX_INITIALIZER };

/* Whether all that is left of the program are helper threads: it would never end. */
static bool is_alone(void)
{
	struct statx stx;
	char stat[512];
	const char *state = NULL;
	ssize_t n;
	int fd;

	if (sys_statx(AT_FDCWD, "/proc/self/task", 0, STATX_NLINK, &stx) ||
	    stx.stx_nlink > 3 + load_relaxed(&pool_threads))
		return false;
	fd = sys_openat(AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
	n = fd >= 0 ? sys_read(fd, stat, sizeof(stat) - 1) : -1;
	if (fd >= 0)
		sys_close(fd);
	for (ssize_t i = 0; i + 2 < n; i++)
		if (stat[i] == ')')
			state = &stat[i + 2];
	return state && *state == 'Z';
}

static uint64_t local_nap(uint64_t took_ns)
{
	return max_u64(LOCAL_MS, took_ns * LOCAL_SHARE / 1000000);
}

/* One turn; how long the next may be away. */
static uint64_t watcher_turn(struct rawcache *cache, uint64_t *looked)
{
	uint32_t every = cache->options.look_ms;
	uint64_t now = clock_coarse_ms();
	uint64_t start = clock_mono_ns();
	uint64_t nap = min_u64(every, ALONE_MS);
	bool all = now - *looked >= every;
	uint32_t locals;

	if (every != UINT32_MAX) {
		if (all)
			*looked = now;
		if (recall_look(cache, !all, &locals))
			watch_tell(cache);
		if (locals && !all)
			nap = min_u64(nap, local_nap(clock_mono_ns() - start));
		else if (locals)
			nap = min_u64(nap, LOCAL_MS);
	}
	recall(cache);
	recall_asked(cache);
	return nap;
}

static bool watcher_wanted(const struct rawcache *cache, uint32_t number)
{
	return load_acquire(&cache->watcher) == WATCHER_WANTED &&
	       load_relaxed(&cache->watcher_number) == number;
}

static void cache_watch(struct rawcache *cache, uint32_t number)
{
	uint64_t looked = clock_coarse_ms();
	uint64_t alone = looked;
	uint64_t empty = 0;

	while (watcher_wanted(cache, number)) {
		uint32_t seen = watch_seen(cache);
		uint64_t ms = watcher_turn(cache, &looked);
		uint64_t now = clock_coarse_ms();

		watch_answer(cache, seen);
		empty = shown_any(cache) ? 0 : empty ? empty : now;
		if (empty && now - empty >= LINGER_MS)
			break;
		if (now - alone >= ALONE_MS) {
			if (is_alone())
				return;
			alone = now;
		}
		watch_sleep(cache, seen, empty ? LINGER_MS : ms);
	}
}

/* Under the lock: whether there still is something to do; if not, the thread is gone for everybody. */
static bool watcher_stays(struct rawcache *cache, uint32_t number)
{
	struct critical critical;
	bool stays;

	/* one that pauses has a successor: watcher_resume() */
	if (load_acquire(&cache->watcher) == WATCHER_PAUSES ||
	    load_relaxed(&cache->watcher_number) != number)
		return false;
	recall_all(cache);
	maps_lock(&cache->maps, &critical);
	stays = shown_any(cache) && load_relaxed(&cache->watcher) == WATCHER_WANTED;
	if (!stays)
		store_release(&cache->watcher, WATCHER_NONE);
	maps_unlock(&cache->maps, &critical);
	return stays;
}

static void watcher_work(struct pool *pool)
{
	struct pool_job *job;

	/* descriptors are of no use here, and a table that is shared makes each call dearer */
	SYS_CALL(__NR_close_range, 0, UINT32_MAX, CLOSE_RANGE_UNSHARE, 0, 0, 0);
	while ((job = pool_next(pool))) {
		struct watcher *watcher = container_of(job, struct watcher, job);
		struct rawcache *cache = watcher->cache;
		uint32_t number = watcher->number;
		struct critical critical;

		critical_enter(&critical);
		memory_put(watcher, sizeof(*watcher));
		critical_leave(&critical);
		do
			cache_watch(cache, number);
		while (watcher_stays(cache, number));
		fetch_sub(&cache->watcher_threads, 1); /* the cache may be gone now */
	}
}

static int watcher_make(struct rawcache *cache)
{
	struct critical critical;
	struct watcher *watcher;
	int err = -ENOMEM;

	critical_enter(&critical);
	watcher = memory_get(sizeof(*watcher));
	if (watcher) {
		watcher->cache = cache;
		watcher->number = fetch_add(&cache->watcher_number, 1) + 1;
		fetch_add(&cache->watcher_threads, 1);
		err = pool_add(&watchers, &watcher->job, true);
		if (err) {
			fetch_sub(&cache->watcher_threads, 1);
			memory_put(watcher, sizeof(*watcher));
		}
	}
	critical_leave(&critical);
	return err;
}

int watcher_need(struct rawcache *cache)
{
	uint32_t state = load_acquire(&cache->watcher);

	if (state == WATCHER_NONE && cas(&cache->watcher, &state, WATCHER_WANTED)) {
		int err = watcher_make(cache);

		if (err)
			store_release(&cache->watcher, WATCHER_NONE);
		return err;
	}
	return state == WATCHER_WANTED ? 0 : -EAGAIN;
}

void watcher_pause(struct rawcache *cache)
{
	uint32_t state = WATCHER_WANTED;

	if (cas(&cache->watcher, &state, WATCHER_PAUSES))
		watch_tell(cache);
}

/* A watcher for mappings that have none. */
static void watcher_anew(struct rawcache *cache)
{
	if (!shown_any(cache))
		return;
	if (watcher_need(cache))
		recall_all(cache);
	else
		recall(cache); /* what was wanted back meanwhile */
}

void watcher_resume(struct rawcache *cache)
{
	uint32_t state = WATCHER_PAUSES;

	if (cas(&cache->watcher, &state, WATCHER_NONE))
		watcher_anew(cache);
}

/* What has paused has ended, or is about to. */
static bool watcher_leave(struct rawcache *cache)
{
	uint32_t state = WATCHER_WANTED;

	if (!cas(&cache->watcher, &state, WATCHER_LEAVES) && state == WATCHER_PAUSES)
		cas(&cache->watcher, &state, WATCHER_NONE);
	if (state == WATCHER_NONE)
		return false;
	recall_all(cache);
	watch_tell(cache);
	return true;
}

void watcher_dismiss(struct rawcache *cache)
{
	watcher_leave(cache);
}

void watcher_drop(struct rawcache *cache)
{
	struct timespec nap = { 0, NAP_NS };

	/* one that has paused may be at work still */
	while ((watcher_leave(cache) && load_acquire(&cache->watcher) != WATCHER_NONE) ||
	       load_acquire(&cache->watcher_threads))
		sys_nanosleep(&nap);
}

/* --- fork */

void watcher_fork_prepare(void)
{
	pool_fork_prepare(&watchers);
}

void watcher_fork_parent(void)
{
	pool_fork_parent(&watchers);
}

void watcher_fork_child(void)
{
	pool_fork_child(&watchers);
}

void watcher_fork_anew(struct rawcache *cache)
{
	store_relaxed(&cache->watcher, WATCHER_NONE);
	store_relaxed(&cache->watcher_threads, 0);
	watcher_anew(cache); /* also for what was wanted back before we had a row */
}
