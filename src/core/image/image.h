/* SPDX-License-Identifier: MIT */
/*
 * An opened image: its descriptor, its superblock, and its mappings. The metadata (everything before the
 * regions) is mapped shared and writable, the regions are mapped read-only in one piece; data is written by
 * pwrite() only. If the data mapping does not fit into the address space, `data` is NULL and reads use
 * pread().
 */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rawcache/rawcache.h>

#include "base/compiler.h"
#include "core/image/format.h"

struct image {
	int fd;
	bool read_only;
	bool block_device;
	uint32_t owner, group; /* of the file */
	uint32_t mode;
	/* of the file: `fd` must still refer to it before it is written to */
	uint64_t inode, device;
	int64_t mark; /* the file position of `fd`, which proves that `fd` is still ours; -1: not set */
	struct superblock sb;
	struct image_state *state;
	uint64_t *totals; /* struct rawcache_stats, word by word */
	struct region *regions;
	struct bucket *buckets;
	/* for each page, bucket + 1 of the extent that begins there; NULL: the image has none */
	uint32_t *page_buckets;
	const char *data;
	char *meta;
	uint64_t meta_bytes, data_bytes;
	uint32_t region_pages, region_pages_shift, total_pages;
};

/*
 * Open and map. Falls back to read-only if the caller may not write. Errors as rawcache_attach(); *why gets
 * static text for the user.
 */
int image_open(struct image *image, const char *path, bool read_only, bool allow_shared,
	       const char **why, enum rawcache_reason *reason);
void image_close(struct image *image);

/* With RLIMIT_AS, an image is mapped only if it takes at most one part in this many of the limit. */
#define IMAGE_SPACE_SHARE 8u

/* Whether the mount forbids executing code that is mapped from the image. */
bool image_never_executes(const struct image *image);

/*
 * image_data_hide(): make the data mapping inaccessible (PROT_NONE). image_data_show(): make it readable again, and
 * munlock() it. Both do nothing without a data mapping.
 */
void image_data_hide(const struct image *image);
void image_data_show(const struct image *image);

/* The size of a file or block device, or -errno. */
int64_t image_device_bytes(int fd);

/* Whether it is a block device that cannot be written, however it was opened. */
bool image_device_read_only(int fd);

/*
 * Move a descriptor of ours out of the program's way: to a high number, close-on-exec. Returns the new one.
 */
int image_fd_hide(int fd);

/* Whether image->fd still refers to the image: a program may have closed it and opened a file of its own. */
bool image_fd_valid(const struct image *image);

/*
 * pread() of an extent's bytes. It returns fewer bytes than asked for if the buffer is bad. -EBADF: a
 * program has closed our descriptor, and the bytes may be of its own file.
 */
ssize_t image_pread(const struct image *image, uint32_t page, uint64_t skip, void *buf, size_t n);

/* Read or write an extent's bytes. 0 or -errno; a short transfer is -EIO. */
int image_read(const struct image *image, uint32_t page, uint64_t skip, void *buf, size_t n);
int image_write(const struct image *image, uint32_t page, const void *buf, size_t n);

/* Whether the superblock's epoch was begun in this boot. */
bool image_epoch_current(const struct image *image, const uint8_t boot_id[16]);

/*
 * Read the superblock again, under a lock that keeps others from changing it: another process may have
 * begun an epoch since it was opened. -ESTALE: the image was made anew and must be opened again.
 */
int image_refresh(struct image *image);

/* Start a new epoch, durably, in the boot of the present one. */
int image_epoch_next(struct image *image);

/* Start a new epoch, durably. The caller must hold the image exclusively. */
int image_epoch_begin(struct image *image, const uint8_t boot_id[16]);

static inline uint64_t image_offset(const struct image *image, uint32_t page)
{
	return image->sb.data_offset + ((uint64_t)page << FORMAT_PAGE_SHIFT);
}

/* The number of the region in which a page lies. */
static inline uint32_t region_number(const struct image *image, uint32_t page)
{
	return page >> image->region_pages_shift;
}

static inline struct region *image_region(const struct image *image, uint32_t page)
{
	return &image->regions[region_number(image, page)];
}

/* The first look (INV-1): the generation of the page's region, to be taken before bytes of the page are read. */
static inline uint32_t generation_before(const struct image *image, uint32_t page)
{
	return load_acquire(&image_region(image, page)->generation);
}

/*
 * The second look (INV-1): the generation of the page's region, to be taken after bytes of the page were read. If it
 * is the one of the first look, the bytes are of that generation.
 */
static inline uint32_t generation_after(const struct image *image, uint32_t page)
{
	fence_acquire(); /* pairs with the full fence after the bump in recycle_region() */
	return load_relaxed(&image_region(image, page)->generation);
}

#endif
