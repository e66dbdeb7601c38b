/* SPDX-License-Identifier: MIT */
/* The file of the segment: its name, its owner, opening it and making it. */
#include "core/shared/segment.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/fdpath.h"
#include "base/sys.h"
#include "base/uuid.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/shared/runtime.h"
#include "core/shared/sweep.h"

#define FUSE_MAGIC 0x65735546 /* FUSE_SUPER_MAGIC, which older <linux/magic.h> do not have */

int runtime_path(char *path, size_t room, const uint8_t uuid[16], const char *dir)
{
	static const char name[] = "/rawcache-";
	char text[37];
	size_t n;

	dir = dir ? dir : "/dev/shm";
	n = strlen(dir);
	if (n + strlen(name) + sizeof(text) > room)
		return -ENAMETOOLONG;
	uuid_format(uuid, text);
	memcpy(path, dir, n);
	memcpy(path + n, name, strlen(name));
	memcpy(path + n + strlen(name), text, sizeof(text));
	return 0;
}

/* Whether a process has a slot in the segment at `path`. */
static bool path_in_use(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)LOCK_SLOT,
			      .l_len = RUNTIME_SLOTS };
	int fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	bool used = fd >= 0 && !sys_fcntl(fd, F_OFD_GETLK, (uintptr_t)&lock) &&
		    lock.l_type != F_UNLCK;

	if (fd >= 0)
		sys_close(fd);
	return used;
}

void runtime_remove(const uint8_t uuid[16], const char *dir)
{
	char path[256];

	if (!runtime_path(path, sizeof(path), uuid, dir) && !path_in_use(path))
		sys_unlinkat(AT_FDCWD, path, 0);
}

static int runtime_fd_note(struct runtime *runtime)
{
	struct statx stx;
	int err = sys_fstatx(runtime->fd, &stx);

	runtime->inode = stx.stx_ino;
	runtime->device = sys_device(&stx);
	return err;
}

bool runtime_fd_valid(const struct runtime *runtime)
{
	return !runtime->foreign && sys_fd_is(runtime->fd, runtime->device, runtime->inode);
}

static int runtime_map(struct runtime *runtime, uint64_t bytes, const struct image *image)
{
	int prot = runtime->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	char *base = sys_mmap(NULL, bytes, prot, MAP_SHARED, runtime->fd, 0);

	if (sys_is_error(base))
		return (int)(intptr_t)base;
	runtime->bytes = bytes;
	runtime_place(runtime, base, image);
	return runtime_fd_note(runtime);
}

/* Whether every user of this group, or everybody, may write the image: they may then make its segment too. */
static bool owner_trusted(int fd, const struct image *image, const struct statx *stx)
{
	bool looks_ours = stx->stx_uid == sys_geteuid();

	return (looks_ours ? sys_fd_is_ours(fd, stx) : stx->stx_uid == image->owner) ||
	       !stx->stx_uid || (image->mode & 0002) ||
	       ((image->mode & 0020) && stx->stx_gid == image->group);
}

/* A segment in a directory where anybody may make files is trusted only if it is ours. */
static bool runtime_trusted(int fd, const struct image *image, uint64_t *bytes)
{
	struct statx stx;

	if (sys_fstatx(fd, &stx) || !S_ISREG(stx.stx_mode))
		return false;
	if (!owner_trusted(fd, image, &stx))
		return false;
	if ((stx.stx_mode & 0022) & ~image->mode)
		return false;
	/* a group that may write must be the image's group */
	if (stx.stx_mode & 0020 && !(image->mode & 0002) && stx.stx_gid != image->group)
		return false;
	*bytes = stx.stx_size;
	return true;
}

/*
 * 0 where it tells nothing: nodes of block devices have any inode, and the device itself may get another
 * number; on FUSE a file's inode changes when the kernel forgets it.
 */
static uint64_t lasting_inode(const struct image *image)
{
	struct statfs fs;

	if (image->block_device || sys_fstatfs(image->fd, &fs) || fs.f_type == FUSE_MAGIC)
		return 0;
	return image->inode;
}

static bool header_fits(const struct runtime *runtime, const struct image *image,
			const uint8_t boot_id[16])
{
	const struct runtime_header *h = runtime->header;

	return load_acquire(&h->ready) == 1 && !memcmp(h->magic, RUNTIME_MAGIC, 8) &&
	       h->version == RUNTIME_VERSION && h->layout == layout_fingerprint() &&
	       h->bytes == runtime->bytes && h->visits_count == runtime->visits_count &&
	       !memcmp(h->image_uuid, image->sb.uuid, 16) && !memcmp(h->boot_id, boot_id, 16) &&
	       h->image_inode == lasting_inode(image) && runtime_is_current(runtime, image);
}

int runtime_open(struct runtime *runtime, const struct image *image, const uint8_t boot_id[16])
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (image->read_only ? O_RDONLY : O_RDWR);
	uint64_t bytes = 0;
	int err;

	runtime->read_only = image->read_only;
	runtime->fd = sys_openat(AT_FDCWD, runtime->path, flags, 0);
	if (runtime->fd < 0)
		return runtime->fd;
	runtime->fd = image_fd_hide(runtime->fd);
	if (runtime->fd < 0)
		return runtime->fd;
	err = -ESTALE;
	if (!runtime_trusted(runtime->fd, image, &bytes) ||
	    bytes != runtime_place(runtime, NULL, image))
		goto out;
	err = runtime_map(runtime, bytes, image);
	if (!err && !header_fits(runtime, image, boot_id))
		err = -ESTALE;
	if (!err && !runtime->read_only)
		err = runtime_reopen(runtime);
out:
	if (err)
		runtime_detach(runtime);
	return err;
}

static int header_init(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	struct runtime_header *h = runtime->header;
	int err = robust_lock_init(&h->region_lock);

	for (uint32_t log = 0; !err && log < REGION_LOGS; log++)
		err = robust_lock_init(&h->space[log].lock);
	for (uint32_t i = 0; !err && i < RUNTIME_INDEX_LOCKS; i++)
		err = robust_lock_init(&h->index_lock[i]);
	if (err)
		return err;
	memcpy(h->magic, RUNTIME_MAGIC, 8);
	h->version = RUNTIME_VERSION;
	h->layout = layout_fingerprint();
	h->bytes = runtime->bytes;
	h->visits_count = runtime->visits_count;
	memcpy(h->image_uuid, image->sb.uuid, 16);
	memcpy(h->boot_id, boot_id, 16);
	if (sys_getrandom(h->id, 16) != 16)
		return -EIO;
	memcpy(image->state->runtime_id, h->id, 16);
	runtime_renew(runtime, image);
	sweep_home(&h->home, image);
	h->device = image->device;
	h->image_inode = lasting_inode(image);
	h->epoch = image->sb.epoch;
	CRASH_POINT(segment_named);
	store_release(&h->ready, 1);
	CRASH_POINT(segment_ready);
	return 0;
}

/* Nobody is attached, so a process that was recycling a region is dead. */
static void segment_regions_disown(struct image *image)
{
	for (uint32_t n = 0; n < image->sb.region_count; n++)
		image->regions[n].owner = 0;
}

/*
 * Locks of a block device are those of its node, and containers have nodes of their own: there may be users
 * that we do not see. A segment of this boot that is not in our directory may be theirs.
 */
static bool users_hidden(const struct image *image, const uint8_t boot_id[16])
{
	static const uint8_t none[16];

	return image->block_device && image_epoch_current(image, boot_id) &&
	       memcmp(image->state->runtime_id, none, 16);
}

/* A new file for the segment, with all of its space. Returns a descriptor, or -errno. */
static int segment_file_make(const char *path, const struct image *image, uint64_t bytes)
{
	int err = sys_unlinkat(AT_FDCWD, path, 0);
	int fd;

	if (err && err != -ENOENT)
		return err;
	fd = image_fd_hide(sys_openat(AT_FDCWD, path,
				      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (fd < 0)
		return fd;
	if (image->mode & 0020)
		sys_fchown(fd, UINT32_MAX, image->group);
	if (image->mode & 0022)
		sys_fchmod(fd, image->mode);
	CRASH_POINT(segment_created);
	/* allocated now: a full tmpfs must be an error here, not a SIGBUS later */
	err = sys_file_size_allowed(bytes) ? 0 : -EFBIG;
	while (!err && (err = sys_fallocate(fd, 0, 0, bytes)) == -EINTR)
		err = 0;
	CRASH_POINT(segment_sized);
	if (!err)
		return fd;
	sys_unlinkat(AT_FDCWD, path, 0);
	sys_close(fd);
	return err;
}

int runtime_create(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	uint64_t bytes = runtime_place(runtime, NULL, image);
	int err;

	/* a copy of the image has the same name for its segment */
	if (users_hidden(image, boot_id) || path_in_use(runtime->path))
		return -EBUSY;
	err = image_epoch_begin(image, boot_id);
	if (err)
		return err;
	CRASH_POINT(epoch_begun);
	segment_regions_disown(image);
	runtime->read_only = false;
	runtime->fd = segment_file_make(runtime->path, image, bytes);
	if (runtime->fd < 0)
		return runtime->fd;
	err = runtime_map(runtime, bytes, image);
	if (!err)
		err = header_init(runtime, image, boot_id);
	if (!err)
		err = runtime_reopen(runtime);
	if (err) {
		sys_unlinkat(AT_FDCWD, runtime->path, 0);
		runtime_detach(runtime);
	}
	return err;
}

bool runtime_is_current(const struct runtime *runtime, const struct image *image)
{
	return !memcmp(runtime->header->id, image->state->runtime_id, 16);
}

bool runtime_image_fits(const struct runtime *runtime, const struct image *image)
{
	const struct runtime_header *h = runtime->header;
	uint64_t nonce = load_relaxed(&image->state->nonce);

	return nonce == load_relaxed(&h->nonce) || nonce == load_relaxed(&h->nonce_next);
}

/* A process that dies between the two stores leaves one nonce that fits. */
void runtime_renew(struct runtime *runtime, struct image *image)
{
	struct runtime_header *h = runtime->header;
	uint64_t nonce;

	if (sys_getrandom(&nonce, sizeof(nonce)) != (ssize_t)sizeof(nonce))
		return;
	store_release(&h->nonce, load_relaxed(&image->state->nonce));
	store_release(&h->nonce_next, nonce);
	CRASH_POINT(nonce_told);
	store_release(&image->state->nonce, nonce);
}

void runtime_detach(struct runtime *runtime)
{
	if (runtime->header)
		sys_munmap(runtime->header, runtime->bytes);
	if (runtime->fd >= 0 && (!runtime->inode || runtime_fd_valid(runtime)))
		sys_close(runtime->fd);
	runtime->header = NULL;
	runtime->fd = -1;
}

int runtime_reopen(struct runtime *runtime)
{
	char self[FDPATH_BYTES];
	int fd;

	fdpath(self, runtime->fd);
	fd = sys_openat(AT_FDCWD, self, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		fd = sys_openat(AT_FDCWD, runtime->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (!sys_fd_is(fd, runtime->device, runtime->inode)) {
		sys_close(fd);
		return -ESTALE;
	}
	runtime->foreign = false;
	if (runtime_fd_valid(runtime))
		sys_close(runtime->fd);
	runtime->fd = image_fd_hide(fd);
	runtime->foreign = runtime->fd < 0;
	return runtime->fd < 0 ? runtime->fd : 0;
}
