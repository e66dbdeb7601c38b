/* SPDX-License-Identifier: MIT */
/*
 * Which programs and libraries contain system call instructions of their own. The first process that needs
 * to know finds it out. An entry is a hash of a build id; its last bit is the answer. A new entry replaces
 * an old one.
 */
#include <rawcache/embed.h>

#include "core/shared/absent.h"
#include "core/shared/cache.h"

#define ANSWER UINT64_C(1) /* the lowest bit of an entry; the others are the id's */

static uint64_t *entry_of(const struct rawcache *cache, uint64_t id)
{
	return &cache->runtime.header->code[(id >> 1 ^ id >> 33) % RUNTIME_CODE];
}

int rawcache_code_known(const struct rawcache *cache, uint64_t id)
{
	uint64_t entry;

	if (!absent_usable(cache))
		return -1;
	entry = load_relaxed(entry_of(cache, id));
	return entry && (entry | ANSWER) == (id | ANSWER) ? (int)(entry & ANSWER) : -1;
}

void rawcache_code_note(struct rawcache *cache, uint64_t id, bool calls)
{
	if (absent_usable(cache))
		store_relaxed(entry_of(cache, id), (id & ~ANSWER) | (calls ? ANSWER : 0));
}
