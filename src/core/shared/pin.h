/* SPDX-License-Identifier: MIT */
/*
 * Pins keep a region from being overwritten while a system call reads from it or a fill writes into it. A
 * pin is a hazard pointer (M. Michael, 2004): the pinning thread stores the region's number in a place of
 * our slot, then a full fence, then checks the generation. The recycler bumps the generation, then a full
 * fence, then looks at all pins: one of the two sees the other (INV-2, INV-3).
 */
#ifndef CORE_PIN_H
#define CORE_PIN_H

#include "core/shared/cache.h"

/*
 * Pin `region` if it still has `generation`. Returns the pin's number; -ESTALE: the region was recycled;
 * -EAGAIN: this process has no pin left; -EROFS: it has no slot. The number names the slot too: a fork
 * child cannot release a pin of its parent.
 */
int pin_get(struct rawcache *cache, uint32_t region, uint32_t generation);
void pin_put(struct rawcache *cache, int pin);

/* Whether any process pins the region. Must follow a full fence after the generation's bump. */
bool pin_any(struct rawcache *cache, uint32_t region);

/* The same for callers that check many regions: pin_owners remembers which processes live. */
struct pin_owners {
	uint64_t alive[RUNTIME_SLOTS / 64];
};
bool pin_any_of(struct rawcache *cache, uint32_t region, struct pin_owners *owners);

#endif
