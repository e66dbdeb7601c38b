/* SPDX-License-Identifier: MIT */
#include "core/origin.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image.h"

#define CACHED 16
#define BUFFER_BYTES 65536u
/* Where mount ids are used again after umount, what they stand for is looked up again. */
#define REUSABLE_ID_MS 1000u
/* Packed file systems in files of packed file systems: so deep they are followed. */
#define PACKED_DEPTH 3
/* What is written twice within its clock's tick has the same times; some servers have ticks of 1 s. */
#define SETTLED_NS (UINT64_C(2) * 1000000000u)

/* Written under the lock, read without it: a copy counts if the sequence is even and stays. */
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

static const char *const special_types[] = {
	"proc",	    "sysfs",   "devtmpfs",   "devpts",	 "cgroup",  "cgroup2",	 "debugfs",
	"tracefs",  "bpf",     "securityfs", "configfs", "pstore",  "efivarfs",	 "mqueue",
	"hugetlbfs", "fusectl", "binfmt_misc", "rpc_pipefs", "nsfs", "autofs",
};

/*
 * File systems that are made as a whole, ahead of mounting. Inode numbers and times, ctime as well, are
 * what their maker wrote, and two versions of one may have all of them in common.
 */
static const char *const packed_types[] = {
	"erofs",	   "squashfs",	     "iso9660",		"udf",
	"cramfs",	   "romfs",	     "fuse.squashfuse", "fuse.squashfuse_ll",
	"fuse.erofsfuse",  "fuse.dwarfs",    "fuse.fuseiso",	"fuse.archivemount",
	"fuse.ratarmount", "fuse.mount-zip", "fuse.fuse-zip",	"fuse.fuse-archive",
	"fuse.rar2fs",	   "fuse.avfsd",
};

/* What a line of mountinfo tells. */
struct mounted {
	XXH3_state_t state; /* of what will be the origin's id */
	char device[24]; /* "major:minor" */
	bool fuse, special, packed;
};

/* The next field of a mountinfo line, ended in place; NULL at its end. */
static char *field_next(char **line)
{
	char *field = *line;
	char *space;

	if (!field || !*field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space = '\0';
	*line = space ? space + 1 : NULL;
	return field;
}

static bool is_among(const char *type, const char *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static void text_add(XXH3_state_t *state, const char *text)
{
	XXH3_128bits_update(state, text, strlen(text) + 1);
}

/* "36 35 98:0 /root /mount options tags... - type source options", proc(5). */
static bool line_parse(char *line, uint64_t mount, struct mounted *mounted)
{
	char *id = field_next(&line);
	const char *parts[4]; /* root, mount point, type, source */
	const char *device, *options;
	char *field;

	if (!id || strtoull(id, NULL, 10) != mount)
		return false;
	field_next(&line);
	device = field_next(&line);
	parts[0] = field_next(&line);
	parts[1] = field_next(&line);
	while ((field = field_next(&line)) && strcmp(field, "-"))
		;
	parts[2] = field_next(&line);
	parts[3] = field_next(&line);
	options = field_next(&line);
	XXH3_128bits_reset(&mounted->state);
	for (int i = 0; i < 4; i++) {
		if (!parts[i])
			return false;
		text_add(&mounted->state, parts[i]);
	}
	mounted->fuse = !strncmp(parts[2], "fuse", 4);
	mounted->special = is_among(parts[2], special_types, ARRAY_SIZE(special_types));
	mounted->packed = is_among(parts[2], packed_types, ARRAY_SIZE(packed_types));
	if (mounted->packed && options) /* where it begins, for one: a session, an offset */
		text_add(&mounted->state, options);
	snprintf(mounted->device, sizeof(mounted->device), "%s", device);
	return true;
}

/* Read the table line by line; a line longer than the buffer is cut. */
static bool mountinfo_find(char *buf, uint64_t mount, struct mounted *mounted)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	bool found = false;
	ssize_t n;

	if (fd < 0)
		return false;
	while (!found && (n = sys_read(fd, buf + have, BUFFER_BYTES - 1 - have)) > 0) {
		char *line = buf;
		char *end;

		have += (size_t)n;
		buf[have] = '\0';
		while (!found && (end = strchr(line, '\n'))) {
			*end = '\0';
			found = line_parse(line, mount, mounted);
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == BUFFER_BYTES - 1)
			have = 0;
	}
	sys_close(fd);
	return found;
}

/* --- what a packed file system is in */

/* One line of what sysfs has on a block device, PATH_MAX bytes. */
static bool sysfs_line(const char *device, const char *name, char *line)
{
	char path[80];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/%s", device, name);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = sys_read(fd, line, PATH_MAX);
	sys_close(fd);
	if (n < 2 || line[n - 1] != '\n')
		return false;
	line[n - 1] = '\0';
	return true;
}

static bool sysfs_number(const char *device, const char *name, char *line, uint64_t *number)
{
	if (!sysfs_line(device, name, line))
		return false;
	*number = strtoull(line, NULL, 10);
	return true;
}

/* Written in place a moment ago, it may be again, and show the same times. */
static bool is_settled(const struct statx_timestamp *time)
{
	return time->tv_sec < 0 ||
	       (uint64_t)time->tv_sec * 1000000000u + time->tv_nsec + SETTLED_NS <= clock_real_ns();
}

/* So the kernel calls a file that was removed, or whose name another file took. */
static bool is_deleted(const char *path)
{
	static const char end[] = " (deleted)";
	size_t n = strlen(path);

	return n >= sizeof(end) - 1 && !strcmp(path + n - (sizeof(end) - 1), end);
}

/*
 * Whether the file that was opened by the name `path` is the loop device's. The device would tell,
 * but only root may open it. If the device's file still has the name afterwards, no other had it
 * meanwhile; unless it is a name in another mount namespace: a file that has it here, too, is
 * believed if it has the size.
 */
static bool is_backing(const char *device, const char *path, uint64_t offset, char *line,
		       const struct statx *stx)
{
	uint64_t sectors;

	return S_ISREG(stx->stx_mode) && sysfs_number(device, "size", line, &sectors) &&
	       stx->stx_size >= offset && (stx->stx_size - offset) >> 9 == sectors &&
	       is_settled(&stx->stx_mtime) && is_settled(&stx->stx_ctime) &&
	       sysfs_line(device, "loop/backing_file", line) && !strcmp(line, path) &&
	       !is_deleted(path);
}

/* What key_of_file() has of a file. */
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

/* The loop device's file, as any other: it may lie on a packed file system itself. */
static bool backing_add(struct mounted *mounted, int depth, char *buf)
{
	char *path = buf, *line = buf + PATH_MAX;
	struct origin origin;
	struct statx stx;
	uint64_t offset;
	bool good = false;
	int fd;

	if (!sysfs_line(mounted->device, "loop/backing_file", path) ||
	    !sysfs_number(mounted->device, "loop/offset", line, &offset))
		return false;
	fd = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (!sys_fstatx(fd, &stx) && is_backing(mounted->device, path, offset, line, &stx)) {
		text_add(&mounted->state, path);
		XXH3_128bits_update(&mounted->state, &offset, sizeof(offset));
		good = mount_identify(fd, depth + 1, buf, &origin) && !origin.special;
	}
	sys_close(fd);
	if (good)
		file_add(&mounted->state, &stx, &origin);
	return good;
}

/* The mount itself: good for as long as it is mounted. Ids that are used again say nothing. */
static bool mount_add(struct mounted *mounted, int fd)
{
	uint8_t boot_id[16];
	struct statx stx;

	if (sys_fstatx(fd, &stx) || !(stx.stx_mask & STATX_MNT_ID_UNIQUE) || boot_id_read(boot_id))
		return false;
	XXH3_128bits_update(&mounted->state, boot_id, sizeof(boot_id)); /* ids begin anew with it */
	XXH3_128bits_update(&mounted->state, &stx.stx_mnt_id, sizeof(stx.stx_mnt_id));
	return true;
}

/* --- */

/* False: there is no mountinfo, or the mount is not in it. */
static bool mount_identify(int fd, int depth, char *buf, struct origin *origin)
{
	struct statx stx; /* with the id that mountinfo uses */
	struct mounted mounted;
	XXH128_hash_t hash;

	if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !mountinfo_find(buf, stx.stx_mnt_id, &mounted))
		return false;
	origin->unstable_inodes = mounted.fuse;
	origin->packed = mounted.packed;
	origin->special = mounted.special;
	if (mounted.packed && !(depth < PACKED_DEPTH && backing_add(&mounted, depth, buf)) &&
	    !mount_add(&mounted, fd))
		origin->special = true;
	hash = XXH3_128bits_digest(&mounted.state);
	origin->id[0] = hash.low64;
	origin->id[1] = hash.high64;
	return true;
}

static void origin_look_up(int fd, uint64_t device, struct origin *origin)
{
	char *buf = memory_map(BUFFER_BYTES);

	memset(origin, 0, sizeof(*origin));
	if (!buf || !mount_identify(fd, 0, buf, origin)) {
		/* nothing that lasts is known of it: good for as long as it is mounted */
		origin->id[0] = device;
		origin->id[1] = ~UINT64_C(0);
	}
	memory_unmap(buf, BUFFER_BYTES);
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
	origin->unstable_inodes = load_relaxed(&slot->origin.unstable_inodes);
	origin->special = load_relaxed(&slot->origin.special);
	origin->packed = load_relaxed(&slot->origin.packed);
	fence_acquire(); /* pairs with the release of the sequence in slot_write() */
	return load_relaxed(&slot->sequence) == sequence;
}

static void slot_write(struct cached_origin *slot, uint64_t mount, uint64_t device,
		       uint64_t expires, const struct origin *origin)
{
	store_relaxed(&slot->sequence, slot->sequence + 1);
	fence_release(); /* the odd sequence is seen before anything below */
	store_relaxed(&slot->mount, mount);
	store_relaxed(&slot->device, device);
	store_relaxed(&slot->expires, expires);
	store_relaxed(&slot->origin.id[0], origin->id[0]);
	store_relaxed(&slot->origin.id[1], origin->id[1]);
	store_relaxed(&slot->origin.unstable_inodes, origin->unstable_inodes);
	store_relaxed(&slot->origin.special, origin->special);
	store_relaxed(&slot->origin.packed, origin->packed);
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
		origin_look_up(fd, device, origin);
		if (unique || !origin->packed) /* another of these is mounted within a moment */
			slot_write(&cached[cached_next++ % CACHED], mount, device,
				   unique ? UINT64_MAX : now + REUSABLE_ID_MS, origin);
	}
	pthread_mutex_unlock(&origin_lock);
	critical_leave(&critical);
}

void origin_fork_prepare(void)
{
	pthread_mutex_lock(&origin_lock);
}

void origin_fork_release(void)
{
	pthread_mutex_unlock(&origin_lock);
}
