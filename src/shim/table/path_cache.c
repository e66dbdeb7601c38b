/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/path_cache.h"

#include <string.h>

#include <linux/magic.h>

#include "base/clock.h"
#include "base/fstype.h"
#include "base/memory.h"
#include "base/sys.h"

#define PLACES 2048u  /* of 216 bytes: less than half a MiB */
#define MOUNTS 16u    /* mounts with the same number modulo this take turns */
#define PATH_ROOM 160 /* bytes: longer paths are not remembered */

struct path_identity {
	uint64_t mount, device, inode, size;
	uint64_t mtime, ctime; /* nanoseconds, modulo 2^64 */
};

struct path_place {
	uint32_t sequence; /* odd while it is written */
	uint16_t match;	   /* enum path_match */
	uint16_t length;   /* 0: empty */
	struct path_identity identity;
	char path[PATH_ROOM];
};

static struct path_place *path_places; /* PLACES of them, mapped at first use */

static uint64_t nanoseconds(const struct statx_timestamp *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec;
}

static void identify(const struct statx *stx, struct path_identity *identity)
{
	identity->mount = stx->stx_mnt_id;
	identity->device = sys_device(stx);
	identity->inode = stx->stx_ino;
	identity->size = stx->stx_size;
	identity->mtime = nanoseconds(&stx->stx_mtime);
	identity->ctime = nanoseconds(&stx->stx_ctime);
}

static size_t place_number(const struct path_identity *identity)
{
	uint64_t h = (identity->inode ^ identity->mount << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return h >> 53; /* the upper 11 bits, for PLACES */
}

static struct path_place *places_get(void)
{
	struct path_place *all = load_acquire(&path_places);
	struct path_place *none = NULL;

	if (all)
		return all;
	all = memory_map(PLACES * sizeof(*all));
	if (!all)
		return NULL;
	if (cas(&path_places, &none, all))
		return all;
	memory_unmap(all, PLACES * sizeof(*all));
	return none;
}

bool path_cache_find(const struct statx *stx, enum path_match *match, struct pathbuf *buf)
{
	struct path_place *all = load_acquire(&path_places);
	struct path_identity identity;
	const struct path_place *place;
	uint32_t sequence;
	size_t length;

	if (!all)
		return false;
	identify(stx, &identity);
	place = &all[place_number(&identity)];
	sequence = load_acquire(&place->sequence);
	length = place->length;
	if (sequence & 1 || !length || length > PATH_ROOM ||
	    memcmp(&place->identity, &identity, sizeof(identity)))
		return false;
	*match = (enum path_match)place->match;
	memcpy(buf->path, place->path, length);
	fence_acquire(); /* pairs with the release of the sequence in path_cache_learn() */
	return load_relaxed(&place->sequence) == sequence;
}

/* Whether the file system's inode numbers mean the same file for as long as it exists. */
static bool type_lasts(int fd)
{
	static const uint32_t types[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,	BTRFS_SUPER_MAGIC,
		TMPFS_MAGIC,	  NFS_SUPER_MAGIC,	F2FS_SUPER_MAGIC,
		CEPH_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, 0x0bd00bd0 /* Lustre */,
	};
	struct statfs fs;

	return !sys_fstatfs(fd, &fs) && fstype_among(&fs, types, ARRAY_SIZE(types));
}

/* Older kernels reuse ids of mounts: what is known of one is valid for a second. */
static uint64_t mount_known(const struct statx *stx)
{
	uint64_t second = stx->stx_mask & STATX_MNT_ID_UNIQUE ? 0 : clock_coarse_ms() / 1024 + 1;

	return stx->stx_mnt_id << 24 | (second & 0x3fffff) << 2 | 2;
}

/* Remembered, because network and FUSE file systems ask their server for each fstatfs(). */
static bool inodes_last(int fd, const struct statx *stx)
{
	static uint64_t known[MOUNTS]; /* mount_known() | whether they last */
	uint64_t *word = &known[stx->stx_mnt_id % MOUNTS];
	uint64_t seen = load_relaxed(word);
	uint64_t now = mount_known(stx);

	if ((seen & ~UINT64_C(1)) != now) {
		seen = now | type_lasts(fd);
		store_relaxed(word, seen);
	}
	return seen & 1;
}

void path_cache_learn(int fd, const struct statx *stx, enum path_match match, const char *path)
{
	size_t length = match == PATH_INSIDE ? strlen(path) + 1 : 1;
	struct path_identity identity;
	struct path_place *all = places_get();
	struct path_place *place;
	uint32_t sequence;

	if (!all || length > PATH_ROOM || (match == PATH_INSIDE && !inodes_last(fd, stx)))
		return;
	identify(stx, &identity);
	place = &all[place_number(&identity)];
	sequence = load_relaxed(&place->sequence);
	/* another thread is writing it: do without */
	if (sequence & 1 || !cas(&place->sequence, &sequence, sequence + 1))
		return;
	fence_release(); /* the odd sequence must be seen before the stores below */
	place->match = (uint16_t)match;
	place->length = (uint16_t)length;
	place->identity = identity;
	memcpy(place->path, match == PATH_INSIDE ? path : "", length);
	store_release(&place->sequence, sequence + 2);
}
