/* SPDX-License-Identifier: MIT */
#include "core/space/folio.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/checked.h"
#include "base/sys.h"
#include "core/shared/cache.h"

#define BLOCK_PAGES (FORMAT_DATA_ALIGN >> FORMAT_PAGE_SHIFT)

/*
 * Only where an unwritten page is read without I/O: a block device would return old bytes, and on tmpfs a
 * read takes memory.
 */
static bool folio_possible(const struct rawcache *cache)
{
	const struct image *image = &cache->image;
	struct statfs fs;

	return image->data && !image->block_device && !cache->options.direct &&
	       image->region_pages >= BLOCK_PAGES && image->region_pages % BLOCK_PAGES == 0 &&
	       !sys_fstatfs(image->fd, &fs) && fs.f_type != TMPFS_MAGIC;
}

static void block_prepare(const struct rawcache *cache, uint32_t block, char *at)
{
	at = sys_mmap(at, FORMAT_DATA_ALIGN, PROT_READ, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
		      cache->image.fd, image_offset(&cache->image, block));
	/* MADV_RANDOM: make one folio, and read none ahead */
	if (!sys_is_error(at) && !sys_madvise(at, FORMAT_DATA_ALIGN, MADV_RANDOM) &&
	    !sys_madvise(at, FORMAT_DATA_ALIGN, MADV_HUGEPAGE))
		sys_madvise(at, FORMAT_PAGE, MADV_POPULATE_READ);
}

void folio_prepare(const struct rawcache *cache, uint32_t page, uint32_t pages)
{
	uint32_t block = (page + BLOCK_PAGES - 1) / BLOCK_PAGES * BLOCK_PAGES;
	char *space;

	if (block + BLOCK_PAGES > page + pages || !folio_possible(cache))
		return;
	space = sys_reserve(NULL, 2 * FORMAT_DATA_ALIGN, 0);
	if (sys_is_error(space))
		return;
	for (; block + BLOCK_PAGES <= page + pages; block += BLOCK_PAGES)
		block_prepare(cache, block, (char *)round_up((uintptr_t)space, FORMAT_DATA_ALIGN));
	sys_munmap(space, 2 * FORMAT_DATA_ALIGN);
}
