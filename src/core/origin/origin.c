/* SPDX-License-Identifier: MIT */
#include "core/origin/origin.h"

#include <limits.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <pthread.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "base/uuid.h"
#include "core/origin/backing.h"
#include "core/image/image.h"
#include "core/origin/mountinfo.h"

#define CACHED 16 /* mounts that one program reads from */
/* Where mount ids are reused after umount, an id is looked up again after this time. */
#define REUSABLE_ID_MS 1000u
/* Packed file systems in files of packed file systems are followed to this depth. */
#define PACKED_DEPTH 3

/* Written under the lock, read without it: a copy is valid if the sequence is even and unchanged. */
struct cached_origin {
	uint32_t sequence; /* odd while it is written */
	uint64_t mount;
	uint64_t device;
	uint64_t expires; /* clock_coarse_ms() */
	struct origin origin;
};

static pthread_mutex_t origin_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cached_origin cached[CACHED];
static unsigned int cached_next;

/* --- what a file system is in */

/* Add to the hash what key_of_file() takes from a file. */
static void file_add(XXH3_state_t *state, const struct statx *stx, const struct origin *origin)
{
	uint64_t numbers[] = {
		origin->id[0],
		origin->id[1],
		origin->unstable_inodes ? 0 : stx->stx_ino,
		stx->stx_size,
		(uint64_t)stx->stx_mtime.tv_sec,
		(uint64_t)stx->stx_ctime.tv_sec,
		(uint64_t)stx->stx_mtime.tv_nsec << 32 | stx->stx_ctime.tv_nsec,
	};

	XXH3_128bits_update(state, numbers, sizeof(numbers));
}

static bool mount_identify(int fd, int depth, char *buf, struct origin *origin);

/* Add the loop device's file, as any other: it may lie on a packed file system itself. */
static bool backing_add(struct mounted *mounted, int depth, char *buf)
{
	struct origin origin;
	struct statx stx;
	uint64_t offset;
	bool good;
	int fd = backing_open(mounted->device, buf, &offset, &stx);

	if (fd < 0)
		return false;
	mounted_add(mounted, buf);
	XXH3_128bits_update(&mounted->state, &offset, sizeof(offset));
	good = mount_identify(fd, depth + 1, buf, &origin) && !origin.special;
	sys_close(fd);
	if (good)
		file_add(&mounted->state, &stx, &origin);
	return good;
}

/* Add the mount itself, which is valid while it is mounted. An id that may be reused says nothing. */
static bool mount_add(struct mounted *mounted, int fd)
{
	uint8_t boot_id[16];
	struct statx stx;

	if (sys_fstatx(fd, &stx) || !(stx.stx_mask & STATX_MNT_ID_UNIQUE) || boot_id_read(boot_id))
		return false;
	/* ids begin anew with each boot */
	XXH3_128bits_update(&mounted->state, boot_id, sizeof(boot_id));
	XXH3_128bits_update(&mounted->state, &stx.stx_mnt_id, sizeof(stx.stx_mnt_id));
	return true;
}

/* Whether only the mount tells it from others: its contents were made elsewhere. */
static bool mount_is_made(const struct mounted *mounted)
{
	return mounted->kind & (KIND_PACKED | KIND_MOUNT) ||
	       (mounted->block && device_is_made(mounted->device));
}

/*
 * Whether a FUSE server passes on contents that were made elsewhere, with their times. Its source is then a
 * directory on such a mount (bindfs), or one that cannot be seen; or a regular file, an image.
 */
static bool source_is_made(const struct mounted *mounted, char *buf)
{
	struct mounted below;
	struct statx stx;
	bool made = false;
	int fd;

	if (!(mounted->kind & KIND_FUSE) || mounted->source[0] != '/')
		return false;
	fd = sys_openat(AT_FDCWD, mounted->source, O_PATH | O_CLOEXEC, 0);
	if (fd < 0)
		return true;
	if (!sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &stx))
		made = S_ISREG(stx.stx_mode) ||
		       (S_ISDIR(stx.stx_mode) &&
			(!mountinfo_find(buf, stx.stx_mnt_id, &below) || mount_is_made(&below)));
	sys_close(fd);
	return made;
}

/* Add the file that contains it, if that file changes whenever its contents do. */
static bool made_add(struct mounted *mounted, int depth, char *buf)
{
	return mounted->block && !(mounted->kind & KIND_MOUNT) &&
	       (mounted->kind & KIND_PACKED || !mounted->writable) && depth < PACKED_DEPTH &&
	       backing_add(mounted, depth, buf);
}

/* Add the UUID: another disk may have got the same name. */
static void uuid_add(struct mounted *mounted, int fd)
{
	struct statfs fs;

	if (mounted->kind & KIND_EXT && !sys_fstatfs(fd, &fs))
		XXH3_128bits_update(&mounted->state, &fs.f_fsid, sizeof(fs.f_fsid));
}

static void origin_set(struct origin *origin, uint32_t kind)
{
	origin->unstable_inodes = kind & KIND_FUSE;
	origin->special = kind & KIND_SPECIAL;
	origin->settable_times = kind & KIND_TIMES;
	origin->subvolumes = kind & KIND_SUBVOLUMES;
	origin->look = kind & KIND_AGED	  ? LOOK_NEVER :
		       kind & KIND_OPENED ? LOOK_OPENED :
		       kind & KIND_REMOTE ? LOOK_ASKED :
					    LOOK_LOCAL;
}

/*
 * The mount is not in the table: it belongs to another mount namespace, is detached, or lies above a
 * changed root.
 */
static bool mount_unknown(int fd, struct mounted *mounted)
{
	XXH3_128bits_reset(&mounted->state);
	mounted->kind = kind_by_magic(fd);
	return mount_add(mounted, fd);
}

/* What the process's table of mounts says about the mount of `fd`: 1, or 0: nothing; -1: it cannot be asked. */
static int mount_of_fd(int fd, char *buf, struct mounted *mounted)
{
	struct statx stx; /* without the other bit it has the id that mountinfo uses */

	if (!sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &stx) &&
	    stx.stx_mask & STATX_MNT_ID_UNIQUE && mountinfo_ask(buf, stx.stx_mnt_id, mounted))
		return 1;
	if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx))
		return -1;
	return mountinfo_find(buf, stx.stx_mnt_id, mounted);
}

/* Returns false if nothing tells its files from others. */
static bool mount_identify(int fd, int depth, char *buf, struct origin *origin)
{
	struct mounted mounted;
	XXH128_hash_t hash;
	bool good = true;
	int found = mount_of_fd(fd, buf, &mounted);

	if (found < 0)
		return false;
	origin->packed = false;
	if (!found) {
		origin->packed = true;
		good = mount_unknown(fd, &mounted);
	} else if (mount_is_made(&mounted) || source_is_made(&mounted, buf)) {
		origin->packed = true;
		good = made_add(&mounted, depth, buf) || mount_add(&mounted, fd);
	} else {
		uuid_add(&mounted, fd);
	}
	origin_set(origin, mounted.kind);
	origin->special |= !good;
	hash = XXH3_128bits_digest(&mounted.state);
	origin->id[0] = hash.low64;
	origin->id[1] = hash.high64;
	return true;
}

static void origin_look_up(int fd, struct origin *origin)
{
	char *buf = memory_map(MOUNTINFO_BUFFER);

	memory_expect(buf, 1, true);
	memset(origin, 0, sizeof(*origin));
	if (!buf || !mount_identify(fd, 0, buf, origin))
		origin->special = origin->packed = true;
	memory_unmap(buf, MOUNTINFO_BUFFER);
}

static bool slot_read(const struct cached_origin *slot, uint64_t mount, uint64_t device,
		      uint64_t now, struct origin *origin)
{
	uint32_t sequence = load_acquire(&slot->sequence);

	if (sequence & 1 || load_relaxed(&slot->mount) != mount ||
	    load_relaxed(&slot->device) != device || now >= load_relaxed(&slot->expires))
		return false;
	origin->id[0] = load_relaxed(&slot->origin.id[0]);
	origin->id[1] = load_relaxed(&slot->origin.id[1]);
	origin->bits = load_relaxed(&slot->origin.bits);
	fence_acquire(); /* pairs with the release of the sequence in slot_write() */
	return load_relaxed(&slot->sequence) == sequence;
}

static void slot_write(struct cached_origin *slot, uint64_t mount, uint64_t device,
		       uint64_t expires, const struct origin *origin)
{
	store_relaxed(&slot->sequence, slot->sequence + 1);
	fence_release(); /* the odd sequence must be seen before the stores below */
	store_relaxed(&slot->mount, mount);
	store_relaxed(&slot->device, device);
	store_relaxed(&slot->expires, expires);
	store_relaxed(&slot->origin.id[0], origin->id[0]);
	store_relaxed(&slot->origin.id[1], origin->id[1]);
	store_relaxed(&slot->origin.bits, origin->bits);
	store_release(&slot->sequence, slot->sequence + 1);
}

static bool cached_find(uint64_t mount, uint64_t device, uint64_t now, struct origin *origin)
{
	for (int i = 0; i < CACHED; i++)
		if (slot_read(&cached[i], mount, device, now, origin))
			return true;
	return false;
}

void origin_of(int fd, const struct statx *stx, struct origin *origin)
{
	bool unique = stx->stx_mask & STATX_MNT_ID_UNIQUE;
	uint64_t now = clock_coarse_ms();
	uint64_t mount = stx->stx_mnt_id;
	uint64_t device = sys_device(stx);
	struct critical critical;

	if (likely(cached_find(mount, device, now, origin)))
		return;
	critical_enter(&critical);
	pthread_mutex_lock(&origin_lock);
	if (!cached_find(mount, device, now, origin)) {
		origin_look_up(fd, origin);
		/* the id may be reused for another such mount within a moment */
		if (unique || !origin->packed)
			slot_write(&cached[cached_next++ % CACHED], mount, device,
				   unique ? UINT64_MAX : now + REUSABLE_ID_MS, origin);
	}
	pthread_mutex_unlock(&origin_lock);
	critical_leave(&critical);
}

/* btrfs before Linux 6.10: the tree that contains the inode. */
static bool subvolume_ask(int fd, uint64_t *subvolume)
{
	struct btrfs_ioctl_ino_lookup_args *args = memory_get(sizeof(*args));
	bool known = false;

	if (!args)
		return false;
	args->objectid = BTRFS_FIRST_FREE_OBJECTID;
	if (!SYS_CALL(__NR_ioctl, fd, BTRFS_IOC_INO_LOOKUP, args, 0, 0, 0)) {
		*subvolume = args->treeid;
		known = args->treeid != 0;
	}
	memory_put(args, sizeof(*args));
	return known;
}

bool origin_subvolume(int fd, const struct statx *stx, uint64_t *subvolume)
{
	struct statx own;

	*subvolume = sys_subvolume(stx);
	if (*subvolume)
		return true;
	/* the caller that read the attributes may not have asked for it */
	if (!sys_fstatx(fd, &own))
		*subvolume = sys_subvolume(&own);
	return *subvolume || subvolume_ask(fd, subvolume);
}

void origin_fork_prepare(void)
{
	pthread_mutex_lock(&origin_lock);
}

void origin_fork_release(void)
{
	pthread_mutex_unlock(&origin_lock);
}
