/* SPDX-License-Identifier: MIT */
/* Waiting for stores under way. */
#include <linux/futex.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/origin/io.h"

/* Each step of a fetch wakes us; without one we look at the clock again. */
#define SLICE_NS 20000000
#define SETTLE_NAP_NS 25000 /* before the lock is tried again */

/* Under the lock: whether a chunk of `file` (NULL: of any file) is not stored yet. */
static bool any_pending(const struct file *file, bool small)
{
	for (size_t i = 0; i < FETCHES; i++) {
		const struct fetch *fetch = &fetches.place[i];

		if ((!file || fetch->file == file) &&
		    ((fetch->state == FETCH_STORING && (small || !fetch->small)) ||
		     (fetch->shared && fetch->users) ||
		     (fetch->state == FETCH_READING && fetch->users && io_done(&fetch->request))))
			return true;
	}
	return false;
}

void fetch_settle(const struct file *file, bool small)
{
	struct timespec slice = { 0, SLICE_NS };
	struct timespec nap = { 0, SETTLE_NAP_NS };
	uint64_t end = clock_coarse_ms() + SETTLE_MS;
	struct critical critical;
	bool pending = true;

	if (!load_relaxed(&fetches.used) ||
	    clock_coarse_ms() < load_relaxed(&fetches.impatient_until))
		return;
	fetch_add(&fetches.settlers, 1);
	while (clock_coarse_ms() < end) {
		uint32_t seen = load_acquire(&fetches.steps);

		/* a handler may end the program in the middle of the code that faulted */
		critical_enter(&critical);
		if (pthread_mutex_trylock(&fetches.lock)) {
			critical_leave(&critical);
			sys_nanosleep(&nap);
			continue;
		}
		pending = any_pending(file, small);
		if (pending && small)
			batch_hurry();
		if (pending)
			looks_hurry(file);
		fetches_unlock(&critical);
		if (!pending)
			break;
		CRASH_POINT(fetch_settling);
		sys_futex(&fetches.steps, FUTEX_WAIT_PRIVATE, seen, &slice);
	}
	fetch_sub(&fetches.settlers, 1);
	if (pending)
		store_relaxed(&fetches.impatient_until, clock_coarse_ms() + SETTLE_IMPATIENT_MS);
}
