/* SPDX-License-Identifier: MIT */
#include "core/index/ghost.h"

#include "base/compiler.h"

#define WAYS 8u /* 8 bytes each: the places of a key are one line of the processor's caches */

/* The low half: bits of the key. The high half: the order of the region, never 0. */
static uint64_t ghost_make(const struct rawcache *cache, const struct key *key)
{
	return ((load_relaxed(&cache->image.state->order) & UINT32_MAX) | 1) << 32 |
	       (uint32_t)key->low;
}

static uint64_t *ghost_set(const struct rawcache *cache, const struct key *key)
{
	uint32_t sets = cache->runtime.ghost_count / WAYS;

	return &cache->runtime.ghosts[(key->low >> 32) % sets * WAYS];
}

/* How many regions were opened since the ghost was made; the table may hold any bits. */
static uint32_t ghost_age(uint64_t ghost, uint64_t now)
{
	return ghost ? (uint32_t)(now >> 32) - (uint32_t)(ghost >> 32) : UINT32_MAX;
}

void ghost_note(struct rawcache *cache, const struct key *key)
{
	uint64_t *set = ghost_set(cache, key);
	uint64_t new = ghost_make(cache, key);
	uint32_t oldest = 0;
	unsigned int place = 0;

	for (unsigned int i = 0; i < WAYS; i++) {
		uint64_t ghost = load_relaxed(&set[i]);
		uint32_t age = ghost_age(ghost, new);

		if (ghost && (uint32_t)ghost == (uint32_t) new) {
			place = i;
			break;
		}
		if (age >= oldest) {
			oldest = age;
			place = i;
		}
	}
	store_relaxed(&set[place], new);
}

bool ghost_take(struct rawcache *cache, const struct key *key)
{
	uint64_t *set;
	uint64_t now;

	if (!cache->runtime.header || cache->runtime.read_only)
		return false;
	set = ghost_set(cache, key);
	now = ghost_make(cache, key);
	for (unsigned int i = 0; i < WAYS; i++) {
		uint64_t ghost = load_relaxed(&set[i]);

		if (!ghost || (uint32_t)ghost != (uint32_t)now)
			continue;
		store_relaxed(&set[i], 0);
		return ghost_age(ghost, now) <= cache->image.sb.region_count;
	}
	return false;
}
