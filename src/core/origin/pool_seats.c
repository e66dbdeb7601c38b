/* SPDX-License-Identifier: MIT */
#include "core/origin/pool_seats.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sys.h"

#define SEATS 96u /* the helpers of io_lanes.h, and a third more for the other pools */

static int32_t seats[SEATS];

/* Whether a thread of this process has the id. */
static bool thread_lives(int32_t tid)
{
	return tid && SYS_CALL(__NR_tgkill, sys_getpid(), tid, 0, 0, 0, 0) != -ESRCH;
}

void pool_seat_take(void)
{
	int32_t own = (int32_t)SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0);

	for (size_t i = 0; i < SEATS; i++) {
		int32_t seen = load_relaxed(&seats[i]);

		if (!thread_lives(seen) && cas(&seats[i], &seen, own))
			return;
	}
}

bool pool_seats_taken(void)
{
	for (size_t i = 0; i < SEATS; i++)
		if (thread_lives(load_relaxed(&seats[i])))
			return true;
	return false;
}

void pool_seats_clear(void)
{
	for (size_t i = 0; i < SEATS; i++)
		store_relaxed(&seats[i], 0);
}
