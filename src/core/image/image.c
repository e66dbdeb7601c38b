/* SPDX-License-Identifier: MIT */
#include "core/image/image.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/image/image_trust.h"
#include "core/image/superblock.h"

int64_t image_device_bytes(int fd)
{
	struct statx stx;
	uint64_t bytes = 0;
	int err = sys_fstatx(fd, &stx);

	if (err)
		return err;
	if (S_ISREG(stx.stx_mode))
		return (int64_t)stx.stx_size;
	if (!S_ISBLK(stx.stx_mode))
		return -EINVAL;
	err = sys_ioctl(fd, BLKGETSIZE64, &bytes);
	return err ? err : (int64_t)bytes;
}

/* The kernel has a table of 32 KiB for so many numbers, and would make a larger one for a higher number. */
#define NUMBERS_MAX 4096
/* Above the first one that is tried: one for each file that is read ahead (FETCHES). */
#define NUMBERS_ABOVE 48
#define NUMBERS_FEW 64	 /* fewer are the program's, and those above */
#define NUMBERS_SHELL 10 /* shells use the numbers below for themselves */

int image_fd_hide(int fd)
{
	struct rlimit limit = { 1024, 1024 };
	int high;

	if (fd < 0)
		return fd;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > NUMBERS_MAX)
		high = NUMBERS_MAX - 2 * NUMBERS_ABOVE;
	else
		high = limit.rlim_cur > NUMBERS_FEW ? (int)limit.rlim_cur - NUMBERS_ABOVE :
						      NUMBERS_SHELL;
	high = sys_fcntl(fd, F_DUPFD_CLOEXEC, (uintptr_t)high);
	if (high < 0)
		high = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sys_close(fd);
	return high;
}

/* The kernel lets a read-only block device be opened for writing, and then refuses to map it so. */
bool image_device_read_only(int fd)
{
	struct statx stx;
	int read_only = 0;

	return !sys_fstatx(fd, &stx) && S_ISBLK(stx.stx_mode) &&
	       !sys_ioctl(fd, BLKROGET, &read_only) && read_only;
}

static int image_fd_open(struct image *image, const char *path, bool read_only)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = -EACCES;

	if (!read_only)
		fd = sys_openat(AT_FDCWD, path, O_RDWR | flags, 0);
	if (fd >= 0 && image_device_read_only(fd)) {
		sys_close(fd);
		fd = -EROFS;
	}
	image->read_only = read_only;
	if (fd == -EACCES || fd == -EROFS || fd == -EPERM) {
		fd = sys_openat(AT_FDCWD, path, O_RDONLY | flags, 0);
		image->read_only = true;
	}
	return image_fd_hide(fd);
}

/*
 * Give our description a file position that no other description has: we read and write at given offsets
 * only. To check it takes a seventh of the time of fstat().
 */
static void image_fd_mark(struct image *image, uint64_t bytes)
{
	uint64_t limit = image->block_device ? bytes : UINT64_C(1) << 40;
	uint64_t at;

	if (sys_getrandom(&at, sizeof(at)) == sizeof(at) && at % limit >= FORMAT_DATA_ALIGN)
		image->mark = sys_lseek(image->fd, (int64_t)(at % limit), SEEK_SET);
}

/*
 * A limited address space belongs to the program. pread() needs none of it, and after a mapping that just
 * fits, the program's next malloc() would fail.
 */
static bool space_left(uint64_t bytes)
{
	uint64_t limit = sys_space_limit();

	return limit == UINT64_MAX || bytes <= limit / IMAGE_SPACE_SHARE;
}

bool image_never_executes(const struct image *image)
{
	struct statfs fs;

	return !sys_fstatfs(image->fd, &fs) && fs.f_flags & ST_NOEXEC;
}

static void data_show(const struct image *image, void *data)
{
	SYS_CALL(__NR_munlock, data, image->data_bytes, 0, 0, 0, 0);
	SYS_CALL(__NR_mprotect, data, image->data_bytes, PROT_READ, 0, 0, 0);
}

/*
 * Map the regions read-only, at an address that lets the kernel use huge page-table entries where the page
 * cache has large folios. A fault in the mapping reads one page, without read-around: bytes that are not in
 * memory are read by pread(), and for a page that was reclaimed behind our back a single read is the
 * cheaper mistake.
 */
static void *data_map(const struct image *image)
{
	char *space;
	void *data;

	if (!space_left(image->data_bytes + FORMAT_DATA_ALIGN))
		return (void *)-ENOMEM;
	space = memory_reserve_aligned(image->data_bytes, FORMAT_DATA_ALIGN, 0);
	if (sys_is_error(space))
		return space;
	/*
	 * made accessible only if it is not locked: after mlockall(MCL_FUTURE) the kernel would read all of
	 * it
	 */
	data = sys_mmap(space, image->data_bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
			image->fd, image->sb.data_offset);
	if (sys_is_error(data)) {
		sys_munmap(space, image->data_bytes);
		return data;
	}
	sys_madvise(data, image->data_bytes, MADV_RANDOM);
	data_show(image, data);
	return data;
}

void image_data_hide(const struct image *image)
{
	/* a thread that reads meanwhile faults and gets the origin's bytes */
	SYS_CALL(__NR_mprotect, image->data, image->data_bytes, PROT_NONE, 0, 0, 0);
}

void image_data_show(const struct image *image)
{
	data_show(image, (void *)image->data);
}

static int image_map_all(struct image *image)
{
	const struct superblock *sb = &image->sb;
	int prot = image->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	void *data;
	char *meta;

	image->meta_bytes = sb->data_offset;
	image->data_bytes = (uint64_t)sb->region_count << sb->region_shift;
	meta = sys_mmap(NULL, image->meta_bytes, prot, MAP_SHARED, image->fd, 0);
	if (sys_is_error(meta))
		return (int)(intptr_t)meta;
	image->meta = meta;
	image->state = (struct image_state *)(meta + FORMAT_STATE);
	image->totals = (uint64_t *)(meta + FORMAT_TOTALS);
	image->regions = (struct region *)(meta + sb->region_table_offset);
	image->buckets = (struct bucket *)(meta + sb->index_offset);
	image->page_buckets = sb->incompatible & FORMAT_REINSERT ?
				      (uint32_t *)(meta + sb->page_buckets_offset) :
				      NULL;
	image->region_pages_shift = sb->region_shift - FORMAT_PAGE_SHIFT;
	image->region_pages = 1u << image->region_pages_shift;
	image->total_pages = sb->region_count << image->region_pages_shift;
	data = data_map(image);
	image->data = sys_is_error(data) ? NULL : data;
	if (!image->data)
		log_warn("the data area does not fit into the address space: reads use pread");
	return 0;
}

static enum rawcache_reason open_reason(int err)
{
	switch (err) {
	case -EMFILE:
	case -ENFILE:
		return RAWCACHE_REASON_no_fd;
	case -EACCES:
	case -EPERM:
		return RAWCACHE_REASON_no_rights;
	default:
		return RAWCACHE_REASON_no_image;
	}
}

int image_open(struct image *image, const char *path, bool read_only, bool allow_shared,
	       const char **why, enum rawcache_reason *reason)
{
	int64_t bytes;
	int err;

	memset(image, 0, sizeof(*image));
	image->mark = -1;
	image->fd = image_fd_open(image, path, read_only);
	if (image->fd < 0) {
		*why = image->fd == -ENOENT ? "there is no such file" : "it cannot be opened";
		*reason = open_reason(image->fd);
		return image->fd;
	}
	err = image_trust(image, allow_shared, why, reason);
	if (err)
		goto out;
	bytes = image_device_bytes(image->fd);
	err = bytes < 0 ? (int)bytes : superblock_read(image->fd, (uint64_t)bytes, &image->sb, why);
	if (err)
		goto out;
	image_fd_mark(image, (uint64_t)bytes);
	err = image_map_all(image);
	if (err) {
		*why = "it cannot be mapped into memory";
		*reason = RAWCACHE_REASON_no_memory;
	}
out:
	if (err)
		image_close(image);
	return err;
}

void image_close(struct image *image)
{
	if (image->data)
		sys_munmap((void *)image->data, image->data_bytes);
	if (image->meta)
		sys_munmap(image->meta, image->meta_bytes);
	if (image->fd >= 0 && (!image->inode || image_fd_valid(image)))
		sys_close(image->fd);
	memset(image, 0, sizeof(*image));
	image->fd = -1;
}

bool image_fd_valid(const struct image *image)
{
	if (likely(image->mark >= 0))
		return sys_lseek(image->fd, 0, SEEK_CUR) == image->mark;
	return sys_fd_is(image->fd, image->device, image->inode);
}

ssize_t image_pread(const struct image *image, uint32_t page, uint64_t skip, void *buf, size_t n)
{
	ssize_t got = sys_pread(image->fd, buf, n, image_offset(image, page) + skip);

	return got < 0 || image_fd_valid(image) ? got : -EBADF;
}

int image_read(const struct image *image, uint32_t page, uint64_t skip, void *buf, size_t n)
{
	uint64_t offset = image_offset(image, page) + skip;
	char *p = buf;

	while (n) {
		ssize_t got = sys_pread(image->fd, p, n, offset);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got ? (int)got : -EIO;
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	/* checked afterwards: bytes that were read from another file are not used */
	return image_fd_valid(image) ? 0 : -EBADF;
}

int image_write(const struct image *image, uint32_t page, const void *buf, size_t n)
{
	uint64_t offset = image_offset(image, page);
	const char *p = buf;

	if (!image_fd_valid(image))
		return -EBADF;
	if (!image->block_device && !sys_file_size_allowed(offset + n))
		return -EFBIG;
	while (n) {
		ssize_t put = sys_pwrite(image->fd, p, n, offset);

		if (put == -EINTR)
			continue;
		if (put <= 0)
			return put ? (int)put : -EIO;
		p += put;
		n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return 0;
}
