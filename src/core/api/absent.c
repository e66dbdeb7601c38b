/* SPDX-License-Identifier: MIT */
/* Absent names: see rawcache/embed.h. */
#include <rawcache/embed.h>

#include "base/memory.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/mountinfo.h"
#include "core/shared/absent.h"

bool rawcache_names_real(int fd)
{
	char *buf = memory_map(MOUNTINFO_BUFFER);
	struct mounted mounted = { .kind = 0 };
	struct statx stx;
	bool found;

	if (!buf)
		return false;
	/* mountinfo has the old, short numbers */
	found = !sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) &&
		stx.stx_mask & STATX_MNT_ID && mountinfo_find(buf, stx.stx_mnt_id, &mounted);
	memory_unmap(buf, MOUNTINFO_BUFFER);
	return found && mounted.kind & KIND_NAMES;
}

bool rawcache_mount_id(uint64_t mount, uint64_t id[2])
{
	char *buf = memory_map(MOUNTINFO_BUFFER);
	struct mounted mounted;
	XXH128_hash_t hash;
	bool found;

	if (!buf)
		return false;
	found = mountinfo_find(buf, mount, &mounted);
	memory_unmap(buf, MOUNTINFO_BUFFER);
	if (!found)
		return false;
	hash = XXH3_128bits_digest(&mounted.state);
	id[0] = hash.low64;
	id[1] = hash.high64;
	return true;
}

bool rawcache_names_look(struct rawcache *cache, const struct statx *dir, uint64_t who,
			 struct rawcache_names *names)
{
	struct key state;

	if (!cache || !absent_usable(cache) || !(dir->stx_mask & STATX_MNT_ID_UNIQUE))
		return false;
	state = absent_state(cache, dir, who);
	names->state[0] = state.low;
	names->state[1] = state.high;
	names->settled = absent_settled(cache, dir, &state);
	stats_add(names_checks, 1);
	return true;
}

static struct key absent_state_of(const struct rawcache_names *names)
{
	return (struct key){ .low = names->state[0], .high = names->state[1] };
}

bool rawcache_names_same(const struct rawcache_names *a, const struct rawcache_names *b)
{
	return a->state[0] == b->state[0] && a->state[1] == b->state[1];
}

bool rawcache_name_absent(struct rawcache *cache, const struct rawcache_names *names,
			  const char *name, size_t n)
{
	struct key state = absent_state_of(names);

	return names->settled && absent_find(cache, &state, name, n);
}

void rawcache_name_learn(struct rawcache *cache, const struct rawcache_names *names,
			 const char *name, size_t n)
{
	struct key state = absent_state_of(names);

	absent_add(cache, &state, name, n);
	stats_add(names_absent, 1);
}
