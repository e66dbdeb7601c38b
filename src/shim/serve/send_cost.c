/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/serve/send_cost.h"

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"

#include "shim/table/attach.h"

#define CLASSES 8	 /* below 32 KiB, 64 KiB, ... 2 MiB */
#define CLASS_SHIFT 14	 /* log2 of SEND_MIN */
#define FIRST_TURNS 8u	 /* at first both ways are measured in turns */
#define TURNS 32u	 /* later one write in this many is timed, and */
#define OTHER_TURNS 128u /* one in this many goes the other way */

static struct {
	uint32_t cost[2]; /* picoseconds a byte, moving averages; 0: not known yet */
	uint32_t turn;
} send_costs[SEND_KINDS][CLASSES];

enum send_cost_way send_cost_choose(unsigned int kind, size_t n, struct send_cost *cost)
{
	uint64_t fixed = rawcache_mmap_threshold_fixed(attach_cache_now());
	unsigned int class = log2_floor(n >> CLASS_SHIFT);
	enum send_cost_way way;
	uint32_t turn;

	cost->figure = NULL;
	if (fixed != RAWCACHE_AUTO)
		return n >= fixed ? SEND_TRANSFER : SEND_WRITE;
	if (n < SEND_MIN)
		return SEND_WRITE;
	class = class < CLASSES ? class : CLASSES - 1;
	turn = load_relaxed(&send_costs[kind][class].turn);
	store_relaxed(&send_costs[kind][class].turn, turn + 1);
	way = load_relaxed(&send_costs[kind][class].cost[SEND_TRANSFER]) <=
			      load_relaxed(&send_costs[kind][class].cost[SEND_WRITE]) ?
		      SEND_TRANSFER :
		      SEND_WRITE;
	if (turn < FIRST_TURNS)
		way = turn & 1 ? SEND_WRITE : SEND_TRANSFER;
	else if (turn % OTHER_TURNS == 0)
		way = way == SEND_TRANSFER ? SEND_WRITE : SEND_TRANSFER;
	if (turn < FIRST_TURNS || turn % TURNS == 0 || turn % TURNS == 1) {
		cost->figure = &send_costs[kind][class].cost[way];
		cost->start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	}
	return way;
}

/* A sample that was disturbed counts for at most twice the known cost. */
void send_cost_learn(const struct send_cost *cost, size_t sent)
{
	uint64_t old = load_relaxed(cost->figure);
	uint64_t now;

	if (!sent)
		return;
	now = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - cost->start) * 1000 / sent + 1;
	now = min_u64(now, old ? 2 * old : 1000000);
	store_relaxed(cost->figure, (uint32_t)(old ? (7 * old + now) / 8 : now));
}
