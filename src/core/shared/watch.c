/* SPDX-License-Identifier: MIT */
#include "core/shared/watch.h"

#include <errno.h>
#include <linux/futex.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"
#include "core/shared/watch_row.h"

static bool writer_valid(const struct rawcache *cache, const uint32_t *writer)
{
	const uint32_t *first = cache->runtime.writers;

	return first && writer >= first && writer < first + RUNTIME_WRITERS;
}

static uint32_t bit_of(const struct rawcache *cache, const uint32_t *writer, uint32_t bits)
{
	return (uint32_t)(writer - cache->runtime.writers) % bits;
}

/* Under the lock. 0; -ENOMEM; or -EROFS: there is no row. */
static int counts_need(struct rawcache *cache)
{
	if (cache->slot < 0)
		return -EROFS;
	if (!cache->watch_counts)
		cache->watch_counts = memory_map(sizeof(*cache->watch_counts));
	return cache->watch_counts ? 0 : -ENOMEM;
}

/* --- what we map */

int watch_show(struct rawcache *cache, const uint32_t *writer)
{
	uint32_t bit = bit_of(cache, writer, WATCH_SHOWN);
	int err;

	pthread_mutex_lock(&cache->watch_lock);
	err = writer_valid(cache, writer) ? counts_need(cache) : -EROFS;
	if (!err) {
		cache->watch_counts->shown[bit]++;
		row_set(row_own(cache)->shown, bit);
		/* must follow the store to the row: see any_clear() */
		row_set(cache->runtime.watch->shown, bit);
	}
	pthread_mutex_unlock(&cache->watch_lock);
	return err;
}

void watch_hide(struct rawcache *cache, const uint32_t *writer)
{
	uint32_t bit = bit_of(cache, writer, WATCH_SHOWN);
	uint32_t *count = &cache->watch_counts->shown[bit];

	pthread_mutex_lock(&cache->watch_lock);
	if (*count && !--*count && cache->slot >= 0)
		row_clear(row_own(cache)->shown, bit);
	pthread_mutex_unlock(&cache->watch_lock);
}

/* --- what we write */

static bool written_by_others(struct rawcache *cache, uint32_t bit, enum watch_way way)
{
	uint32_t high = process_high(cache);

	for (uint32_t i = 0; i < high; i++)
		if ((int32_t)i != cache->slot &&
		    row_get(cache->runtime.watch_rows[i].written[way], bit) &&
		    process_alive(cache, i))
			return true;
	return false;
}

bool watch_written(struct rawcache *cache, const uint32_t *writer, enum watch_way way)
{
	uint64_t *any;
	uint32_t bit;

	/* a read-only image: no other process uses its segment */
	if (!writer || !cache->runtime.watch)
		return false;
	any = cache->runtime.watch->written[way];
	bit = bit_of(cache, writer, WATCH_WRITTEN);
	if (!row_get(any, bit))
		return false;
	if ((cache->watch_counts && load_relaxed(&cache->watch_counts->written[way][bit])) ||
	    written_by_others(cache, bit, way))
		return true;
	/* no row has the bit any more; a process that comes just now sets it after the bit of its row */
	row_clear(any, bit);
	fence_full();
	if (!written_by_others(cache, bit, way))
		return false;
	row_set(any, bit);
	return true;
}

static void written_first(struct rawcache *cache, uint32_t bit, enum watch_way way)
{
	struct critical critical;

	watch_enter(cache, &critical);
	if (!counts_need(cache)) {
		fetch_add(&cache->watch_counts->written[way][bit], 1);
		row_set(row_own(cache)->written[way], bit);
		row_set(cache->runtime.watch->written[way], bit);
	}
	watch_leave(cache, &critical);
}

void watch_write(struct rawcache *cache, const uint32_t *writer, enum watch_way way)
{
	uint32_t bit = bit_of(cache, writer, WATCH_WRITTEN);
	struct watch_counts *counts = cache->watch_counts;
	uint32_t n = counts ? load_relaxed(&counts->written[way][bit]) : 0;

	if (!writer_valid(cache, writer))
		return;
	while (n)
		if (cas(&counts->written[way][bit], &n, n + 1))
			return;
	written_first(cache, bit, way);
}

void watch_write_end(struct rawcache *cache, const uint32_t *writer, enum watch_way way)
{
	uint32_t bit = bit_of(cache, writer, WATCH_WRITTEN);
	struct watch_counts *counts = cache->watch_counts;
	uint32_t n = counts ? load_relaxed(&counts->written[way][bit]) : 0;
	struct critical critical;

	if (!counts || !writer_valid(cache, writer))
		return;
	while (n > 1)
		if (cas(&counts->written[way][bit], &n, n - 1))
			return;
	watch_enter(cache, &critical);
	n = load_relaxed(&counts->written[way][bit]);
	if (n && fetch_sub(&counts->written[way][bit], 1) == 1 && cache->slot >= 0)
		row_clear(row_own(cache)->written[way], bit);
	watch_leave(cache, &critical);
}

/* --- demands */

static bool row_owes(const struct watch_row *row, uint32_t bit, uint32_t demand)
{
	uint32_t seen = load_acquire(&row->seen);

	return row_get(row->shown, bit) && (int32_t)(seen - demand) < 0 &&
	       load_relaxed(&row->blamed_seen) != (UINT64_C(1) << 32 | seen);
}

/* The number of processes that have not answered. With `over` they are not waited for again. */
static uint32_t rows_owe(struct rawcache *cache, uint32_t bit, uint32_t demand, bool look,
			 bool over)
{
	uint32_t high = process_high(cache);
	uint32_t owing = 0;

	for (uint32_t i = 0; i < high; i++) {
		struct watch_row *row = &cache->runtime.watch_rows[i];

		if ((int32_t)i == cache->slot || !row_owes(row, bit, demand))
			continue;
		if (look && !process_alive(cache, i))
			continue;
		owing++;
		if (over)
			store_relaxed(&row->blamed_seen,
				      UINT64_C(1) << 32 | load_relaxed(&row->seen));
	}
	return owing;
}

static bool shown_by_any(const struct rawcache *cache, uint32_t bit)
{
	uint32_t high = process_high(cache);

	for (uint32_t i = 0; i < high; i++)
		if (row_get(cache->runtime.watch_rows[i].shown, bit))
			return true;
	return false;
}

/*
 * Clear the summary bit of a file that nobody maps. A process that maps it just now sets it after the bit
 * of its row.
 */
static void any_clear(struct rawcache *cache, uint32_t bit)
{
	row_clear(cache->runtime.watch->shown, bit);
	fence_full();
	if (shown_by_any(cache, bit))
		row_set(cache->runtime.watch->shown, bit);
}

static uint32_t watch_ask(struct rawcache *cache)
{
	uint32_t demand = fetch_add(&cache->runtime.watch->word, 1) + 1;

	sys_futex(&cache->runtime.watch->word, FUTEX_WAKE, INT32_MAX, NULL);
	return demand;
}

void watch_tell(struct rawcache *cache)
{
	watch_ask(cache);
}

static void answers_wait(struct rawcache *cache, uint32_t bit)
{
	struct timespec nap = { 0, WATCH_ANSWER_MS * 1000000 };
	uint32_t *answers = &cache->runtime.watch->answers;
	uint64_t until = clock_coarse_ms() + WATCH_PATIENCE_MS;
	uint32_t demand = watch_ask(cache);
	bool look = false;

	for (;;) {
		uint32_t seen = load_acquire(answers);

		if (!rows_owe(cache, bit, demand, look, clock_coarse_ms() >= until) ||
		    clock_coarse_ms() >= until)
			return;
		look = sys_futex(answers, FUTEX_WAIT, seen, &nap) == -ETIMEDOUT;
	}
}

void watch_demand_slow(struct rawcache *cache, const uint32_t *writer)
{
	uint32_t bit = bit_of(cache, writer, WATCH_SHOWN);

	if (!shown_by_any(cache, bit)) {
		any_clear(cache, bit);
		return;
	}
	if (cache->slot >= 0 && row_get(row_own(cache)->shown, bit))
		cache->withdraw(cache);
	if (rows_owe(cache, bit, load_acquire(&cache->runtime.watch->word) + 1, false, false))
		answers_wait(cache, bit);
}

uint32_t watch_seen(const struct rawcache *cache)
{
	return load_acquire(&cache->runtime.watch->word);
}

void watch_answer(struct rawcache *cache, uint32_t seen)
{
	if (cache->slot < 0)
		return;
	if (load_relaxed(&row_own(cache)->seen) == seen)
		return;
	store_release(&row_own(cache)->seen, seen);
	fetch_add(&cache->runtime.watch->answers, 1);
	sys_futex(&cache->runtime.watch->answers, FUTEX_WAKE, INT32_MAX, NULL);
}

void watch_sleep(struct rawcache *cache, uint32_t seen, uint64_t ms)
{
	struct timespec nap = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	sys_futex(&cache->runtime.watch->word, FUTEX_WAIT, seen, &nap);
}
