/* SPDX-License-Identifier: MIT */
#include "core/shared/hold_ask.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "core/shared/hold_row.h"
#include "core/shared/process.h"
#include "core/shared/region_hold.h"
#include "core/shared/region_lock.h"
#include "core/shared/watch.h"

bool hold_crowded(const struct rawcache *cache)
{
	return holds_count(cache, HOLD_ALL) > hold_bits(cache) / 2;
}

bool hold_yields(const struct rawcache *cache, uint32_t region)
{
	uint32_t high = process_high(cache);
	bool held = false;

	for (uint32_t i = 0; i < high; i++) {
		if (hold_of(cache, HOLD_FIRMLY, i, region))
			return false;
		held = held || hold_by(cache, i, region);
	}
	return held;
}

static bool ask_stands(const struct hold_ask *ask, uint32_t bit)
{
	return load_acquire(&ask->bit) == bit + 1 &&
	       (uint32_t)clock_coarse_ms() - load_relaxed(&ask->ms) < ASK_MS;
}

/*
 * The oldest ask is forgotten. Two processes that ask at the same time may overwrite each other's; the
 * region is asked for again later.
 */
void hold_ask(struct rawcache *cache, uint32_t region)
{
	struct hold_ask *ask = header_of(cache)->ask;
	uint32_t now = (uint32_t)clock_coarse_ms();
	struct hold_ask *oldest = ask;

	for (uint32_t i = 1; i < RUNTIME_ASKS; i++)
		if (now - load_relaxed(&ask[i].ms) > now - load_relaxed(&oldest->ms))
			oldest = &ask[i];
	store_relaxed(&oldest->ms, now);
	store_release(&oldest->bit, (region >> cache->runtime.hold_shift) + 1);
	watch_tell(cache);
}

bool hold_asked(const struct rawcache *cache, uint32_t region)
{
	const struct hold_ask *ask = header_of(cache)->ask;

	for (uint32_t i = 0; i < RUNTIME_ASKS; i++)
		if (ask_stands(&ask[i], region >> cache->runtime.hold_shift))
			return true;
	return false;
}

bool hold_asked_own(const struct rawcache *cache)
{
	const struct hold_ask *ask = header_of(cache)->ask;

	if (cache->slot < 0)
		return false;
	for (uint32_t i = 0; i < RUNTIME_ASKS; i++) {
		uint32_t bit = load_relaxed(&ask[i].bit) - 1;

		if (bit < hold_bits(cache) && ask_stands(&ask[i], bit) &&
		    hold_by(cache, (uint32_t)cache->slot, bit << cache->runtime.hold_shift))
			return true;
	}
	return false;
}
