/* SPDX-License-Identifier: MIT */
/* Absent names: see rawcache/embed.h. */
#include <rawcache/embed.h>

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/paths.h"
#include "base/proctable.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/mountinfo.h"
#include "core/shared/absent.h"

/* A mount whose server passes on what a directory shows. */
struct passed {
	char lines[MOUNTINFO_BUFFER];
	char point[PATH_MAX], source[PATH_MAX]; /* source: of what the mount shows */
};

static bool copy_path(char to[PATH_MAX], const char *a, const char *b)
{
	size_t n = strlen(a), m = strcmp(b, "/") ? strlen(b) : 0;

	if (n + m >= PATH_MAX)
		return false;
	memcpy(to, a, n);
	memcpy(to + n, b, m);
	to[n + m] = '\0';
	mount_field_unescape(to);
	return true;
}

static bool passed_find(struct passed *passed, int fd)
{
	struct mounted mounted;
	struct statx stx;

	/* mountinfo has the old, short numbers */
	return !sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) &&
	       stx.stx_mask & STATX_MNT_ID &&
	       mountinfo_find(passed->lines, stx.stx_mnt_id, &mounted) &&
	       mounted.kind & KIND_PASSES && *mounted.source == '/' &&
	       copy_path(passed->point, mounted.point, "/") &&
	       copy_path(passed->source, mounted.source, mounted.root);
}

/* Whether both are the same directory, seen through the server and without it. */
static bool passed_same(const struct passed *passed, struct statx *below)
{
	struct statx above;

	return !sys_statx(AT_FDCWD, passed->point, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &above) &&
	       !sys_statx(AT_FDCWD, passed->source, AT_NO_AUTOMOUNT,
			  STATX_BASIC_STATS | STATX_MNT_ID, below) &&
	       S_ISDIR(below->stx_mode) && below->stx_mask & STATX_MNT_ID &&
	       sys_timestamp_ns(&above.stx_mtime) == sys_timestamp_ns(&below->stx_mtime) &&
	       sys_timestamp_ns(&above.stx_ctime) == sys_timestamp_ns(&below->stx_ctime);
}

/* Whether another file system is mounted below the source. */
static bool source_covers(void *arg, const struct mount_line *mount, uint32_t kind)
{
	const struct passed *passed = arg;
	size_t n = strlen(mount->point), length = strlen(passed->source);

	(void)kind;
	return n > length && path_below(mount->point, n, passed->source, length);
}

bool rawcache_names_real(int fd)
{
	struct passed *passed = memory_map(sizeof(*passed));
	struct mounted mounted;
	struct statx below;
	bool real;

	if (!passed)
		return false;
	real = passed_find(passed, fd) && passed_same(passed, &below) &&
	       mountinfo_find(passed->lines, below.stx_mnt_id, &mounted) &&
	       mounted.kind & KIND_NAMES && !mountinfo_each(passed->lines, source_covers, passed);
	memory_unmap(passed, sizeof(*passed));
	return real;
}

static bool mount_may_be_real(void *arg, const struct mount_line *mount, uint32_t kind)
{
	return kind & KIND_PASSES && *mount->source == '/' && paths_meet(arg, mount->point);
}

bool rawcache_names_wanted(const char *paths)
{
	char *buf = memory_map(MOUNTINFO_BUFFER);
	bool wanted = buf && mountinfo_each(buf, mount_may_be_real, (void *)(uintptr_t)paths);

	if (buf)
		memory_unmap(buf, MOUNTINFO_BUFFER);
	return wanted;
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

enum rawcache_name rawcache_name_find(struct rawcache *cache, const struct rawcache_names *names,
				      const char *name, size_t n)
{
	struct key state = absent_state_of(names);

	return names->settled ? absent_find(cache, &state, name, n) : RAWCACHE_NAME_UNKNOWN;
}

void rawcache_name_learn(struct rawcache *cache, const struct rawcache_names *names,
			 const char *name, size_t n)
{
	struct key state = absent_state_of(names);

	absent_add(cache, &state, name, n);
	stats_add(names_absent, 1);
}

void rawcache_name_seen(struct rawcache *cache, const struct rawcache_names *names,
			const char *name, size_t n)
{
	struct key state = absent_state_of(names);

	absent_note(cache, &state, name, n);
}
