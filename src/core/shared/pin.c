/* SPDX-License-Identifier: MIT */
#include "core/shared/pin.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "core/shared/region_hold.h"
#include "core/shared/process.h"
#include "core/shared/slot.h"

static int pin_claim(struct rawcache *cache)
{
	uint64_t used = load_relaxed(&cache->pins_used);

	for (;;) {
		int pin = ~used ? __builtin_ctzll(~used) : (int)SLOT_PINS;

		if (pin >= (int)SLOT_PINS)
			return -EAGAIN;
		if (cas(&cache->pins_used, &used, used | UINT64_C(1) << pin))
			return pin;
	}
}

int pin_get(struct rawcache *cache, uint32_t region, uint32_t generation)
{
	int pin = cache_slot_need(cache);

	if (!pin)
		pin = pin_claim(cache);
	if (pin < 0)
		return pin;
	CRASH_POINT(pin_claimed);
	store_relaxed(&cache_slot(cache)->pin[pin], region + 1);
	CRASH_POINT(pin_stored);
	fence_full(); /* pairs with the one in recycle_region() */
	pin += cache->slot * (int)SLOT_PINS;
	if (load_acquire(&cache->image.regions[region].generation) == generation)
		return pin;
	pin_put(cache, pin);
	return -ESTALE;
}

void pin_put(struct rawcache *cache, int pin)
{
	if (pin < 0 || cache->slot < 0 || pin / (int)SLOT_PINS != cache->slot)
		return;
	pin %= (int)SLOT_PINS;
	store_release(&cache_slot(cache)->pin[pin], 0);
	__atomic_fetch_and(&cache->pins_used, ~(UINT64_C(1) << pin), __ATOMIC_RELEASE);
}

static bool slot_pins(const struct process_slot *slot, uint32_t region)
{
	for (uint32_t i = 0; i < SLOT_PINS; i++)
		if (load_acquire(&slot->pin[i]) == region + 1)
			return true;
	return false;
}

static bool owner_alive(struct rawcache *cache, uint32_t slot, struct pin_owners *owners)
{
	uint64_t *alive = &owners->alive[slot / 64];
	uint64_t bit = UINT64_C(1) << slot % 64;

	if (!(*alive & bit) && process_alive(cache, slot))
		*alive |= bit;
	return *alive & bit;
}

bool pin_any_of(struct rawcache *cache, uint32_t region, struct pin_owners *owners)
{
	uint32_t high = process_high(cache);

	/* holds are checked first: they last longer, and one look is enough */
	for (uint32_t i = 0; i < high; i++)
		if (hold_by(cache, i, region) && owner_alive(cache, i, owners))
			return true;
	for (uint32_t i = 0; i < high; i++) {
		if (!load_acquire(&cache->runtime.slots[i].used))
			continue;
		if (slot_pins(&cache->runtime.slots[i], region) && owner_alive(cache, i, owners))
			return true;
	}
	return false;
}

bool pin_any(struct rawcache *cache, uint32_t region)
{
	struct pin_owners owners = { { 0 } };

	return pin_any_of(cache, region, &owners);
}
