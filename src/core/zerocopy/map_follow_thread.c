/* SPDX-License-Identifier: MIT */
/* The thread that follows mappings: see map_follow.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/proctable.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/fill/fill.h"
#include "core/image/format.h"
#include "core/image/key.h"
#include "core/origin/file.h"
#include "core/origin/pool.h"
#include "core/origin/fd_import.h"
#include "core/read/chunk.h"
#include "core/shared/cache.h"
#include "core/zerocopy/map_follow_list.h"

#define ROUND_MS 200u /* five rounds a second: map_follow.h */
#define ROUND_FIRST_MS \
	4u /* a tick of the coarse clock, in which a distant origin answers once or twice */
#define EARLY_ASKS 2u	/* chunks a round: the program's own requests stand behind them */
#define COST_SHARE 16u	/* looking takes one part in this many of the time */
#define QUIET_MS 1000u	/* a group that is touched in part is stored then */
#define GROUP 32u	/* chunks */
#define GROUPS_AHEAD 8u /* 64 MiB of chunks at most */
/* The kernel obeys an advice only up to its read-ahead size: this is its default. */
#define ADVICE_BYTES (128u << 10)

uint32_t follow_blind;

static int range_close(uint64_t first, uint64_t end, unsigned int flags)
{
	return first < end ? (int)SYS_CALL(__NR_close_range, first, end - 1, flags, 0, 0, 0) : 0;
}

/*
 * Leave the program's descriptor table, with the descriptors that storing needs: the image and the segment.
 */
static int table_leave(const struct rawcache *cache)
{
	uint64_t a = (uint32_t)cache->image.fd;
	uint64_t b = (uint32_t)cache->runtime.fd;
	uint64_t low = min_u64(a, b);
	uint64_t high = max_u64(a, b);
	int err = range_close(high + 1, UINT64_C(1) << 32, CLOSE_RANGE_UNSHARE);

	if (!err)
		err = range_close(low + 1, high, 0);
	return err ? err : range_close(0, low, 0);
}

static int origin_take(const struct file *file, int fd)
{
	int pidfd = unusual_pidfd_open();
	int taken = fd_import(file, pidfd, fd);

	if (pidfd >= 0)
		sys_close(pidfd);
	return taken == -EPERM || taken == -ENOSYS ? fd_import_anew(file, fd, 0) : taken;
}

static bool followed_take(struct followed *followed, int pagemap)
{
	uint32_t asked = FOLLOW_ASKED;
	/* the thread has the image of the cache for which it was made */
	bool can = pagemap >= 0 && image_fd_valid(&followed->cache->image) &&
		   runtime_fd_valid(&followed->cache->runtime);
	int fd = can ? origin_take(followed->file, followed->fd) : -EBADF;
	bool taken = cas(&followed->state, &asked, fd >= 0 ? FOLLOW_TAKEN : FOLLOW_REFUSED) &&
		     fd >= 0;

	followed->new_page_ms = clock_coarse_ms();
	sys_futex(&followed->state, FUTEX_WAKE_PRIVATE, 1, NULL);
	if (fd >= 0 && !taken)
		sys_close(fd);
	followed->fd = taken ? fd : -1;
	return taken;
}

void followed_put(struct followed *followed)
{
	struct critical critical;

	if (fetch_sub(&followed->users, 1) > 1)
		return;
	critical_enter(&critical);
	memory_put(followed, followed->bytes);
	critical_leave(&critical);
}

void followed_end(struct followed *followed)
{
	if (followed->fd >= 0)
		sys_close(followed->fd);
	file_release(followed->cache, followed->file);
	/* must be last: a thread that waits for the end of the cache looks at the list */
	followed_unlink(followed);
	fetch_add(&follow_list.ended, 1);
	sys_futex(&follow_list.ended, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
	followed_put(followed);
}

/* All chunks of its block of 2 MiB are touched: space is cut, and zeroed, for the block at once. */
static bool block_touched(const struct followed *followed, uint64_t bit)
{
	uint64_t block = max_u64(FORMAT_DATA_ALIGN / followed->cache->chunk_bytes, 1);
	uint64_t from = round_down(followed->first + bit, block);
	uint64_t to = min_u64(from + block, followed->first + followed_chunks(followed));

	for (from = max_u64(from, followed->first); from < to; from++)
		if (!bit_get(followed->touched, from - followed->first))
			return false;
	return true;
}

/* Touched, and neither tried nor cached. */
static bool chunk_wanted(const struct followed *followed, uint64_t bit)
{
	return bit_get(followed->touched, bit) && !bit_get(followed->done, bit) &&
	       !chunk_find(followed->cache, followed->file, followed->first + bit, 0, 1);
}

/* Chunks [from, to) of the mapping are asked for; the kernel goes on with it by itself. */
static void chunks_ask(const struct followed *followed, uint64_t from, uint64_t to)
{
	uint64_t chunk_bytes = followed->cache->chunk_bytes;
	uint64_t end = min_u64((followed->first + to) * chunk_bytes, followed->file->size);

	for (uint64_t at = (followed->first + from) * chunk_bytes; at < end; at += ADVICE_BYTES)
		sys_fadvise(followed->fd, at, min_u64(ADVICE_BYTES, end - at), POSIX_FADV_WILLNEED);
}

/*
 * The program waits: what is left of the first chunks that it has touched is asked for at once, not one after the
 * other. False: its pages cannot be seen.
 */
static bool last_ask(struct followed *followed, int pagemap, uint64_t chunks)
{
	uint32_t room = GROUP;

	if (followed_look(followed, pagemap, 0, chunks) < 0)
		return false;
	for (uint64_t bit = 0; bit < chunks && room; bit++) {
		if (!chunk_wanted(followed, bit))
			continue;
		chunks_ask(followed, bit, bit + 1);
		room--;
	}
	return true;
}

static void chunk_fill(struct followed *followed, uint64_t bit)
{
	struct rawcache *cache = followed->cache;
	char nothing;
	struct want want = { .chunk = followed->first + bit,
			     .ordered = block_touched(followed, bit),
			     .buf = &nothing,
			     .fd = followed->fd,
			     .background = true };
	struct key key = key_of_chunk(&cache->image.sb, &followed->file->key, want.chunk);

	bit_set(followed->done, bit);
	if (!chunk_find(cache, followed->file, want.chunk, 0, 1))
		fill_chunk(cache, followed->file, &want, &key);
}

static void group_fill(struct followed *followed, uint64_t bit, uint64_t end)
{
	for (; bit < end && !load_relaxed(&followed->unwanted); bit++)
		if (bit_get(followed->touched, bit) && !bit_get(followed->done, bit))
			chunk_fill(followed, bit);
}

/* The program has touched pages of the origin there. */
static bool chunk_came(const struct followed *followed, uint64_t bit)
{
	return bit_get(followed->touched, bit) &&
	       (bit_get(followed->asked, bit) ||
		!chunk_find(followed->cache, followed->file, followed->first + bit, 0, 1));
}

/* Not a part of what is read in order, which is stored in order: fewer than three side by side. */
static bool chunk_alone(const struct followed *followed, uint64_t bit, uint64_t chunks)
{
	uint64_t end = min_u64(bit + 3, chunks);
	uint32_t run = 0;

	for (bit -= min_u64(bit, 2); bit < end && run < 3; bit++)
		run = chunk_came(followed, bit) ? run + 1 : 0;
	return run < 3;
}

/*
 * A program that touches a few places waits for each of them. Meanwhile what lies around the others is asked for, and
 * stored in the next round: so there is little to wait for when the mapping ends. `room`: so many chunks may be asked
 * for in this round.
 */
static void group_early(struct followed *followed, uint64_t bit, uint64_t end, uint64_t chunks,
			uint32_t *room)
{
	for (uint64_t at = bit; at < end && !load_relaxed(&followed->unwanted); at++)
		if (bit_get(followed->asked, at) && !bit_get(followed->done, at))
			chunk_fill(followed, at);
	for (; bit < end && *room; bit++) {
		if (bit_get(followed->asked, bit) || !chunk_wanted(followed, bit) ||
		    !chunk_alone(followed, bit, chunks))
			continue;
		bit_set(followed->asked, bit);
		chunks_ask(followed, bit, bit + 1);
		followed->early--;
		--*room;
	}
}

/*
 * `run` groups, up to `bit`, were touched wholly: ask the kernel to read as many behind them, in larger
 * pieces than page faults ask for.
 */
static void group_ahead(struct followed *followed, uint64_t bit, uint64_t run, uint64_t chunks)
{
	uint64_t from = max_u64(bit, followed->ahead);
	uint64_t to = min_u64(bit + min_u64(run, GROUPS_AHEAD) * GROUP, chunks);

	if (from >= to)
		return;
	followed->ahead = to;
	chunks_ask(followed, from, to);
}

/*
 * Whether the file is unchanged. LMDB's readers take a lock beside the file right after they have mapped
 * it: a reason to look, but no change.
 */
static bool followed_current(const struct followed *followed)
{
	return !file_written(followed->file) ||
	       file_look(followed->cache, followed->file, followed->fd);
}

/*
 * Store what the program has touched since the last round. A group of neighbours is stored when all have
 * been touched, so that they lie side by side in the image, or when none has been for a while.
 */
static void followed_round(struct followed *followed, int pagemap)
{
	bool last = load_acquire(&followed->last);
	uint64_t quiet = clock_coarse_ms() - followed->new_page_ms;
	uint64_t chunks = followed_chunks(followed);
	bool left = quiet <= FOLLOW_PATIENCE_MS && followed_current(followed);
	uint32_t room = (uint32_t)min_u64(followed->early, EARLY_ASKS);
	uint64_t run = 0;

	if (left && last)
		left = last_ask(followed, pagemap, chunks);
	followed->cost_ns = 0;
	for (uint64_t bit = 0; bit < chunks && left; bit += GROUP) {
		uint64_t end = min_u64(bit + GROUP, chunks);
		uint64_t begun = clock_mono_ns();
		int all = followed_look(followed, pagemap, bit, end);

		followed->cost_ns += clock_mono_ns() - begun;
		run = all > 0 ? run + 1 : 0;
		if (run && !last)
			group_ahead(followed, end, run, chunks);
		if (all < 0)
			left = false;
		else if (all || quiet > QUIET_MS || last)
			group_fill(followed, bit, end);
		else
			group_early(followed, bit, end, chunks, &room);
	}
	for (uint64_t bit = 0; left && !last && bit < chunks; bit++)
		if (!bit_get(followed->done, bit))
			return;
	store_relaxed(&followed->unwanted, 1);
}

/* --- the thread */

bool futex_nap(const uint32_t *word, uint32_t seen, uint64_t ms)
{
	struct timespec patience = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	return sys_futex((uint32_t *)word, FUTEX_WAIT_PRIVATE, seen, &patience) == -ETIMEDOUT;
}

/* Prepare the thread's descriptors: the image and the table of pages. Returns the latter, or -errno. */
static int thread_begin(const struct rawcache *cache)
{
	int err = table_leave(cache);

	return err ? err :
		     sys_openat(AT_FDCWD, "/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC, 0);
}

static void thread_rounds(struct followed **mine, int pagemap)
{
	while (*mine) {
		struct followed *followed = *mine;

		if (!load_relaxed(&followed->unwanted))
			followed_round(followed, pagemap);
		if (load_relaxed(&followed->unwanted)) {
			*mine = followed->beside;
			followed_end(followed);
		} else {
			mine = &followed->beside;
		}
	}
}

/* How long to sleep: a new mapping is looked at sooner. */
static uint64_t thread_nap(const struct followed *mine)
{
	uint64_t now = clock_coarse_ms();
	uint64_t quiet = FOLLOW_PATIENCE_MS;
	uint64_t age = 4 * ROUND_MS;
	uint64_t cost_ns = 0;

	for (; mine; mine = mine->beside) {
		quiet = min_u64(quiet, now - mine->new_page_ms);
		age = min_u64(age, now - mine->made);
		cost_ns += mine->cost_ns;
	}
	return max_u64(max_u64(min_u64(age / 4, ROUND_MS), max_u64(ROUND_FIRST_MS, quiet / 4)),
		       cost_ns / 1000000 * COST_SHARE);
}

void follow_work(struct pool *pool)
{
	struct followed *mine = NULL;
	struct pool_job *job;
	int pagemap = -ENOENT;

	while ((job = mine ? pool_take(pool) : pool_next(pool)) || mine) {
		uint32_t seen = load_relaxed(&pool->queued);

		if (job) {
			struct followed *followed = container_of(job, struct followed, job);

			if (pagemap == -ENOENT)
				pagemap = thread_begin(followed->cache);
			if (pagemap < 0)
				store_relaxed(&follow_blind, 1);
			if (followed_take(followed, pagemap)) {
				followed->beside = mine;
				mine = followed;
			} else {
				followed_end(followed);
			}
			continue;
		}
		thread_rounds(&mine, pagemap);
		if (mine)
			futex_nap(&pool->queued, seen, thread_nap(mine));
	}
}
