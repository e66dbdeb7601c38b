/* SPDX-License-Identifier: MIT */
#include "core/shared/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/fdpath.h"
#include "base/sys.h"
#include "core/shared/aside.h"
#include "core/shared/names.h"

/* A segment is made in milliseconds; one that is not ready after this time was left by a killed process. */
#define UNREADY_S 3600u
/* Sweeping may take one part in this many of the time, but is done once a second where processes attach. */
#define SWEEP_SHARE 1000u
#define SWEEP_WAIT_NS UINT64_C(1000000000)

/* The inode of this process's mount namespace; 0: unknown. */
static uint64_t mounts_own(void)
{
	struct statx stx;
	int err = sys_statx(AT_FDCWD, "/proc/self/ns/mnt", 0, STATX_INO, &stx);

	return err ? 0 : stx.stx_ino;
}

static bool root_own(uint64_t *device, uint64_t *inode)
{
	struct statx stx;

	if (sys_statx(AT_FDCWD, "/", 0, STATX_INO, &stx))
		return false;
	*device = sys_device(&stx);
	*inode = stx.stx_ino;
	return true;
}

void sweep_home(struct runtime_home *home, const struct image *image)
{
	char self[FDPATH_BYTES];
	ssize_t n;

	memset(home, 0, sizeof(*home));
	if (image->block_device || !root_own(&home->root_device, &home->root_inode))
		return;
	home->mounts = mounts_own();
	home->device = image->device;
	memcpy(home->uuid, image->sb.uuid, 16);
	fdpath(self, image->fd);
	n = sys_readlinkat(AT_FDCWD, self, home->path, sizeof(home->path));
	/* truncated, or not below our root: the path would name another file */
	if (n <= 0 || n >= (ssize_t)sizeof(home->path) || home->path[0] != '/')
		n = 0;
	memset(home->path + n, 0, sizeof(home->path) - (size_t)n);
}

/* A copy of a segment's fields: a process that may write the segment may change it while we read. */
struct leftover {
	struct runtime_home home;
	uint64_t epoch;
	bool ready;
};

/* --- whether the image is gone */

/* Whether something else has taken the image's place: another image, another file, a directory, a FIFO. */
static bool image_replaced(int fd, const struct runtime_home *home)
{
	static const uint64_t places[] = { FORMAT_SUPERBLOCK_A, FORMAT_SUPERBLOCK_B };
	uint8_t uuid[16];
	struct statx stx;

	if (sys_fstatx(fd, &stx) || sys_device(&stx) != home->device)
		return false;
	if (!S_ISREG(stx.stx_mode))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ssize_t n = sys_pread(fd, uuid, 16, places[i] + offsetof(struct superblock, uuid));

		if (n < 0 || (n == 16 && !memcmp(uuid, home->uuid, 16)))
			return false;
	}
	return true;
}

/*
 * Whether the image's directory, or the nearest one above it that exists, is on the file system that held
 * the image.
 */
static bool file_system_there(char *path, uint64_t device)
{
	int err = -ENOENT;
	struct statx stx;

	while (err == -ENOENT || err == -ENOTDIR) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return false;
		slash[slash == path] = '\0'; /* "/" is the last directory to try */
		err = sys_statx(AT_FDCWD, path, 0, STATX_INO, &stx);
		if (slash == path)
			break;
	}
	return !err && sys_device(&stx) == device;
}

static bool image_gone(const struct runtime_home *home)
{
	char path[sizeof(home->path)];
	bool gone;
	int fd;

	memcpy(path, home->path, sizeof(path));
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return file_system_there(path, home->device);
	if (fd < 0)
		return false;
	gone = image_replaced(fd, home);
	sys_close(fd);
	return gone;
}

/* Whether the path of the image means the same here as for the process that made the segment. */
static bool home_visible(const struct runtime_home *home)
{
	uint64_t device, inode;

	return home->path[0] == '/' && !home->path[sizeof(home->path) - 1] && home->mounts &&
	       home->mounts == mounts_own() && root_own(&device, &inode) &&
	       device == home->root_device && inode == home->root_inode;
}

/* --- one segment */

static bool segment_read(int fd, struct leftover *left)
{
	struct runtime_header *h = sys_mmap(NULL, sizeof(*h), PROT_READ, MAP_SHARED, fd, 0);

	if (sys_is_error(h))
		return false;
	left->ready = load_acquire(&h->ready) == 1 && !memcmp(h->magic, RUNTIME_MAGIC, 8);
	/* the fields of another version are elsewhere or missing */
	if (left->ready && h->version != RUNTIME_VERSION)
		memset(&left->home, 0, sizeof(left->home));
	else
		left->home = h->home;
	left->epoch = load_relaxed(&h->epoch);
	sys_munmap(h, sizeof(*h));
	return true;
}

static bool segment_unready(const struct statx *stx)
{
	uint64_t now = clock_real_s();

	return stx->stx_mtime.tv_sec > 0 && (uint64_t)stx->stx_mtime.tv_sec + UNREADY_S < now;
}

/* Whether the segment is left over, as far as that can be told without its locks. */
static bool segment_left(int fd, const struct statx *stx)
{
	struct leftover left = { 0 };

	if (stx->stx_size < sizeof(struct runtime_header))
		return segment_unready(stx);
	if (!segment_read(fd, &left))
		return false;
	if (!left.ready)
		return segment_unready(stx);
	return left.epoch && home_visible(&left.home) && image_gone(&left.home);
}

/* Lock all slots: no process has one, and none can take one until the descriptor is closed. */
static int slots_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)LOCK_SLOT,
			      .l_len = RUNTIME_SLOTS };

	return sys_fcntl(fd, F_OFD_SETLK, (uintptr_t)&lock);
}

/*
 * It is locked only if it seems left over, because a fork child would inherit the locks. A process that
 * restores the image meanwhile and makes another segment does so after the second look, and finds the first
 * segment in use.
 */
static void segment_sweep(int dir, const char *name)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = sys_openat(dir, name, flags, 0);
	struct statx stx, named;

	if (fd < 0)
		return;
	if (!sys_fstatx(fd, &stx) && S_ISREG(stx.stx_mode) && sys_fd_is_ours(fd, &stx) &&
	    segment_left(fd, &stx) && !slots_lock(fd) && segment_left(fd, &stx) &&
	    !sys_statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named) &&
	    named.stx_ino == stx.stx_ino && sys_device(&named) == sys_device(&stx))
		sys_unlinkat(dir, name, 0);
	sys_close(fd);
}

/* --- all of them */

/* `arg`: the path of the segment that we use ourselves, or NULL. */
static void leftover_look(int dir, const char *name, void *arg)
{
	const char *own = arg ? strrchr(arg, '/') : NULL;

	if (own && !strcmp(own + 1, name))
		return;
	if (!strncmp(name, NAMES_ASIDE, strlen(NAMES_ASIDE))) {
		if (aside_left(dir, name))
			sys_unlinkat(dir, name, 0);
	} else if (strlen(name) == strlen(NAMES_SEGMENT) + 36) { /* the uuid of an image */
		segment_sweep(dir, name);
	}
}

void sweep_dir(const char *dir)
{
	names_each(dir, NAMES_SEGMENT, leftover_look, NULL);
}

void sweep_now_and_then(struct runtime *runtime, const char *dir)
{
	struct runtime_header *h = runtime->header;
	uint64_t begun = clock_mono_ns();

	if (h && begun < load_relaxed(&h->sweep_after_ns) &&
	    load_relaxed(&h->sweep_after_ns) - begun <= SWEEP_WAIT_NS)
		return;
	names_each(dir, NAMES_SEGMENT, leftover_look, h ? runtime->path : NULL);
	if (h && !runtime->read_only)
		store_relaxed(
			&h->sweep_after_ns,
			begun + min_u64((clock_mono_ns() - begun) * SWEEP_SHARE, SWEEP_WAIT_NS));
}
