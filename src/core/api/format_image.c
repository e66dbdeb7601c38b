/* SPDX-License-Identifier: MIT */
/* Making images. */
#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include <rawcache/image.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/sized.h"
#include "base/sys.h"
#include "core/image/detach.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/image/superblock.h"
#include "core/shared/runtime.h"
#include "core/shared/sweep.h"

#define ZERO_PIECE (1u << 20) /* of one write, and of what is looked at at either end */

void rawcache_format_options_init(struct rawcache_format_options *theirs, size_t size)
{
	const struct rawcache_format_options options = { .struct_size = size };

	sized_out(theirs, size, &options, sizeof(options));
}

static int options_check(const struct rawcache_format_options *o, struct message *message)
{
	if (o->region_size &&
	    (!is_power_of_two(o->region_size) || o->region_size < FORMAT_REGION_MIN ||
	     o->region_size > FORMAT_REGION_MAX))
		return message_refuse(message, -ERANGE,
				      "the region size must be a power of two from 512K to 64M");
	if (o->chunk_size && (!is_power_of_two(o->chunk_size) || o->chunk_size < FORMAT_CHUNK_MIN ||
			      o->chunk_size > FORMAT_CHUNK_MAX))
		return message_refuse(message, -ERANGE,
				      "the chunk size must be a power of two from 64K to 256K");
	if (o->object_size && (o->object_size < 1024 || o->object_size > FORMAT_REGION_MIN))
		return message_refuse(message, -ERANGE,
				      "the object size must lie between 1K and 512K");
	return 0;
}

/*
 * Open the file that is to become the image; *created tells whether it did not exist. O_EXCL without
 * O_CREAT has a meaning for block devices only: the kernel refuses one that it uses itself, see open(2).
 * That includes the disk of a partition that is mounted.
 */
static int format_target_open(const char *path, bool shared, bool *created, struct message *message)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOCTTY;
	int fd = sys_openat(AT_FDCWD, path, flags | O_CREAT | O_EXCL | O_NOFOLLOW,
			    shared ? 0666 : 0600);

	*created = fd >= 0;
	if (fd == -EEXIST)
		fd = sys_openat(AT_FDCWD, path, flags | O_EXCL, 0);
	if (fd == -EBUSY)
		return message_refuse(
			message, fd,
			"it is in use (mounted, swapped to, or part of a RAID or volume group?): "
			"take it out of use first");
	if (fd < 0)
		return message_refuse(message, fd, "it cannot be opened: %s", strerror(-fd));
	if (!image_device_read_only(fd))
		return fd;
	sys_close(fd);
	return message_refuse(message, -EROFS, "the device is read-only");
}

static bool piece_blank(int fd, char *buf, uint64_t at, uint64_t n)
{
	ssize_t got = sys_pread(fd, buf, n, at);

	return got == (ssize_t)n && !*buf && !memcmp(buf, buf + 1, n - 1);
}

/*
 * Whether the target is a new disk, or a file that was only given its size. The first and the last MiB are
 * read: partition tables lie there, and the superblocks of file systems, volume groups and RAIDs. To read a
 * whole disk would take hours.
 */
static bool target_blank(int fd, uint64_t bytes)
{
	uint64_t n = min_u64(bytes, ZERO_PIECE);
	char *buf = memory_map(ZERO_PIECE);
	bool blank = buf && piece_blank(fd, buf, 0, n) && piece_blank(fd, buf, bytes - n, n);

	if (buf)
		memory_unmap(buf, ZERO_PIECE);
	return blank;
}

/* Existing contents are overwritten only if that is safe or was asked for. */
static int target_check(int fd, bool force, struct message *message)
{
	struct superblock sb = { 0 };
	struct statx stx;
	const char *why;
	int64_t bytes;
	int err = sys_fstatx(fd, &stx);

	if (err)
		return message_refuse(message, err, "its attributes cannot be read: %s",
				      strerror(-err));
	if (!S_ISREG(stx.stx_mode) && !S_ISBLK(stx.stx_mode))
		return message_refuse(message, -EINVAL,
				      "it is neither a regular file nor a block device");
	/* attached processes hold this lock shared */
	if (runtime_lock_byte(fd, LOCK_USERS, F_WRLCK) ||
	    runtime_lock_byte(fd, LOCK_READERS, F_WRLCK))
		return message_refuse(message, -EBUSY, "programs are using it: end them first");
	bytes = image_device_bytes(fd);
	if (force || bytes == 0)
		return 0;
	if (bytes < 0)
		return message_refuse(message, (int)bytes, "its size cannot be found: %s",
				      strerror((int)-bytes));
	err = superblock_read(fd, (uint64_t)bytes, &sb, &why);
	if (!err || (err == -EMEDIUMTYPE && target_blank(fd, (uint64_t)bytes)))
		return 0;
	if (err == -EPROTONOSUPPORT)
		return message_refuse(message, -EEXIST, "%s: use --force to overwrite it", why);
	return message_refuse(
		message, -EEXIST,
		"it holds something that is no image of rawcache (%s): use --force to "
		"overwrite it, and to lose what is there",
		why);
}

/*
 * The sticky bit of the file says that its owner wants others to write it. Only the owner can set it, while
 * anything in the image could be forged by any user who may write it.
 */
static int shared_mark(int fd, bool shared, struct message *message)
{
	struct statx stx;
	int err = sys_fstatx(fd, &stx);
	uint32_t mode;

	if (err || !S_ISREG(stx.stx_mode))
		return 0;
	mode = (stx.stx_mode & 0777) | (shared ? S_ISVTX : 0);
	if (mode == (stx.stx_mode & 07777))
		return 0;
	err = sys_fchmod(fd, mode);
	return err && shared ? message_refuse(message, err, "it cannot be marked as shared: %s",
					      strerror(-err)) :
			       0;
}

/* Read the superblock of the existing image, because it has files elsewhere. False: there is no image. */
static bool old_image(int fd, struct superblock *sb)
{
	int64_t bytes = image_device_bytes(fd);
	const char *why;

	return bytes > 0 && !superblock_read(fd, (uint64_t)bytes, sb, &why);
}

/* Writing zeros, with progress. */
struct zeroing {
	int fd;
	const struct rawcache_format_options *options;
	uint64_t done, total;
};

static int zero_write(struct zeroing *zeroing, uint64_t from, uint64_t to)
{
	const struct rawcache_format_options *o = zeroing->options;
	char *zeros = memory_map(ZERO_PIECE);
	int err = zeros ? 0 : -ENOMEM;

	while (!err && from < to) {
		ssize_t n = sys_pwrite(zeroing->fd, zeros, min_u64(to - from, ZERO_PIECE), from);

		if (n <= 0) {
			err = n ? (int)n : -EIO;
			break;
		}
		from += (uint64_t)n;
		zeroing->done += (uint64_t)n;
		if (o->progress && !o->progress(o->progress_arg, zeroing->done, zeroing->total))
			err = -ECANCELED;
	}
	memory_unmap(zeros, ZERO_PIECE);
	return err;
}

/* Allocate all blocks now, so that no later store meets a full disk. */
static int file_reserve(struct zeroing *zeroing, uint64_t bytes, struct message *message)
{
	/* start from an empty file: remains of an earlier image must not look like an index */
	int err = sys_ftruncate(zeroing->fd, 0);

	if (!err)
		err = sys_fallocate(zeroing->fd, 0, 0, bytes);
	if (!err)
		return 0;
	if (err == -ENOSPC)
		return message_refuse(message, err,
				      "the disk has no room for it: choose a smaller --size");
	if (err != -EOPNOTSUPP)
		return message_refuse(message, err, "space cannot be reserved: %s", strerror(-err));
	zeroing->total += bytes;
	err = zero_write(zeroing, 0, bytes);
	return err ? message_refuse(message, err, "the disk has no room for it: %s",
				    strerror(-err)) :
		     0;
}

/* A copy-on-write file system would need new space for each store: ask it not to copy. */
static void file_no_cow(int fd)
{
	struct statfs fs;
	int flags = 0;

	if (sys_fstatfs(fd, &fs) || fs.f_type != BTRFS_SUPER_MAGIC)
		return;
	if (!sys_ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		flags |= FS_NOCOW_FL;
		sys_ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
}

static int image_write_new(struct zeroing *zeroing, struct superblock *sb, struct message *message)
{
	int fd = zeroing->fd;
	int err;

	/* the metadata is written through a mapping: its blocks must be allocated */
	CRASH_POINT(format_reserved);
	err = zero_write(zeroing, 0, sb->data_offset);
	if (err)
		return message_refuse(message, err, "it cannot be written: %s", strerror(-err));
	CRASH_POINT(format_zeroed);
	memcpy(sb->magic, FORMAT_MAGIC, sizeof(sb->magic));
	sb->version = FORMAT_VERSION;
	sb->bytes = sizeof(*sb);
	sb->created = clock_real_s();
	sb->probes = detach_probe(fd, sb->data_offset, UINT64_C(1) << sb->region_shift);
	if (zeroing->options->shared)
		sb->probes |= FORMAT_SHARED;
	sb->incompatible |= FORMAT_NEIGHBOURS | FORMAT_DISPLACED;
	if (sys_getrandom(sb->uuid, sizeof(sb->uuid)) != sizeof(sb->uuid) ||
	    sys_getrandom(sb->key, sizeof(sb->key)) != sizeof(sb->key))
		return message_refuse(message, -EIO, "the kernel gives no random numbers");
	sb->uuid[6] = (uint8_t)((sb->uuid[6] & 0x0f) | 0x40);
	sb->uuid[8] = (uint8_t)((sb->uuid[8] & 0x3f) | 0x80);
	err = superblock_write(fd, sb);
	CRASH_POINT(format_first);
	if (!err)
		err = superblock_write(fd, sb); /* the other copy */
	return err ? message_refuse(message, err, "it cannot be written: %s", strerror(-err)) : 0;
}

static int image_lay_out(int fd, const struct rawcache_format_options *o, struct message *message)
{
	struct zeroing zeroing = { .fd = fd, .options = o };
	struct superblock sb = { 0 };
	int64_t have = image_device_bytes(fd);
	uint64_t bytes = o->size ? o->size : have > 0 ? (uint64_t)have : 0;
	struct statx stx;
	int err = sys_fstatx(fd, &stx);

	if (err)
		return message_refuse(message, err, "its attributes cannot be read: %s",
				      strerror(-err));
	if (S_ISBLK(stx.stx_mode) && have >= 0 && bytes > (uint64_t)have)
		return message_refuse(message, -ERANGE, "the device has only %lld bytes",
				      (long long)have);
	if (bytes < RAWCACHE_MIN_IMAGE_SIZE)
		return message_refuse(message, o->size ? -ERANGE : -EINVAL,
				      "%llu bytes are too few: the smallest image has 10M",
				      (unsigned long long)bytes);
	bytes = round_down(bytes, FORMAT_PAGE);
	err = superblock_layout(&sb, bytes, o->region_size, o->chunk_size, o->object_size);
	if (err) /* regions of the default size do */
		return message_refuse(
			message, -ERANGE,
			"%llu bytes do not hold 16 regions of that size: choose a larger "
			"--size or a smaller --region",
			(unsigned long long)bytes);
	zeroing.total = sb.data_offset;
	if (S_ISREG(stx.stx_mode)) {
		file_no_cow(fd);
		err = file_reserve(&zeroing, bytes, message);
		if (err)
			return err;
	}
	return image_write_new(&zeroing, &sb, message);
}

static int image_format(const char *path, const struct rawcache_format_options *options,
			struct message *message)
{
	struct superblock old = { 0 };
	bool created = false;
	bool replaced = false;
	int fd;
	int err = options_check(options, message);

	if (err)
		return err;
	fd = format_target_open(path, options->shared, &created, message);
	if (fd < 0)
		return fd;
	err = target_check(fd, options->force || created, message);
	if (!err) {
		replaced = old_image(fd, &old);
		err = shared_mark(fd, options->shared, message);
	}
	if (!err)
		err = image_lay_out(fd, options, message);
	if (!err && replaced) /* nobody uses it: target_check() holds the lock that proves it */
		runtime_remove(old.uuid, options->runtime_dir);
	if (!err)
		sweep_dir(options->runtime_dir);
	if (err && created)
		sys_unlinkat(AT_FDCWD, path, 0);
	sys_close(fd);
	return err;
}

int rawcache_image_format(const char *path, const struct rawcache_format_options *theirs,
			  char *text, size_t text_bytes)
{
	struct message message = { text, text_bytes };
	struct rawcache_format_options options;

	if (theirs->struct_size < offsetof(struct rawcache_format_options, runtime_dir))
		return message_refuse(
			&message, -EINVAL,
			"the options were not filled by rawcache_format_options_init()");
	if (sized_in(&options, sizeof(options), theirs, theirs->struct_size))
		return message_refuse(
			&message, -E2BIG,
			"the program sets an option that this version of the library does "
			"not know");
	return image_format(path, &options, &message);
}
