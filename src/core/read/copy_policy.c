/* SPDX-License-Identifier: MIT */
#include "core/read/copy_policy.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/shared/cache.h"

#define COPY_EXPLORE 32u    /* 3 % of first touches take the way that seems dearer */
#define COPY_DEFAULT 65536u /* measured: the size that `auto` finds on most machines */
#define CLASS_SHIFT 10	    /* the least class is below 2 KiB */

static unsigned int class_of(uint64_t n)
{
	return (unsigned int)min_u64(log2_floor(n >> CLASS_SHIFT), COPY_CLASSES - 1);
}

void copy_policy_init(struct copy_policy_costs *costs)
{
	costs->ticks = clock_ticks();
	costs->ns_start = clock_mono_ns();
}

void copy_policy_calibrate(struct copy_policy_costs *costs)
{
	uint64_t ns = clock_mono_ns() - costs->ns_start;
	uint64_t ticks = clock_ticks() - costs->ticks;

	/* a counter slower than 1 MHz tells nothing */
	if (ns > 1000000 && !load_relaxed(&costs->ticks_per_us))
		store_relaxed(&costs->ticks_per_us, (uint32_t)(ticks / (ns / 1000)));
}

uint64_t copy_policy_threshold_fixed(const struct rawcache *cache)
{
	uint64_t set = 0;

	if (cache->runtime.header)
		set = load_relaxed(&cache->runtime.header->mmap_threshold);
	return set ? set : cache->options.mmap_threshold;
}

static enum copy_way copy_policy_cheaper(const struct copy_policy_costs *costs, uint64_t n)
{
	unsigned int class = class_of(n);
	uint32_t map = load_relaxed(&costs->ns[COPY_MAP][class]);
	uint32_t pread = load_relaxed(&costs->ns[COPY_PREAD][class]);

	if (!map || !pread)
		return n >= COPY_DEFAULT ? COPY_MAP : COPY_PREAD;
	return map <= pread ? COPY_MAP : COPY_PREAD;
}

enum copy_way copy_policy_choose(struct rawcache *cache, uint32_t n)
{
	uint64_t fixed = copy_policy_threshold_fixed(cache);
	uint32_t turn;

	if (fixed != RAWCACHE_AUTO)
		return n >= fixed ? COPY_MAP : COPY_PREAD;
	turn = load_relaxed(&cache->copy_costs.turn) + 1;
	store_relaxed(&cache->copy_costs.turn, turn);
	if (turn % COPY_EXPLORE)
		return copy_policy_cheaper(&cache->copy_costs, n);
	return copy_policy_cheaper(&cache->copy_costs, n) == COPY_MAP ? COPY_PREAD : COPY_MAP;
}

void copy_policy_learn(struct copy_policy_costs *costs, enum copy_way way, uint32_t n, uint64_t ns)
{
	uint32_t *cost = &costs->ns[way][class_of(n)];
	uint32_t old = load_relaxed(cost);

	if (ns > 10000 + (uint64_t)n)
		return;
	if (!old)
		old = (uint32_t)ns;
	store_relaxed(cost, (uint32_t)((old * UINT64_C(7) + ns) / 8) + 1);
}

bool copy_policy_waited(void)
{
	static tls_initial long seen;
	long now = sys_major_faults();
	bool more = now != seen;

	seen = now;
	return more;
}

uint64_t copy_policy_threshold(const struct rawcache *cache)
{
	uint64_t fixed = copy_policy_threshold_fixed(cache);
	uint64_t n = UINT64_C(1) << CLASS_SHIFT;

	if (fixed != RAWCACHE_AUTO)
		return fixed;
	while (n < (UINT64_C(1) << (CLASS_SHIFT + COPY_CLASSES - 1)) &&
	       copy_policy_cheaper(&cache->copy_costs, n) == COPY_PREAD)
		n <<= 1;
	return n;
}
