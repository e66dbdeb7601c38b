/* SPDX-License-Identifier: MIT */
/*
 * Mappings of cached files. The kernel maps the origin first, and so decides about addresses,
 * limits and errors; then pages of the image are laid over what the cache has. What it has not,
 * and what lies beyond the end of the file, stays as the kernel mapped it.
 *
 * From then on the mapping is the kernel's business: mprotect(), madvise() and msync() need
 * nothing. Unmapping gives up the holds of the regions. A range that mremap() moves keeps its
 * holds for the life of the process.
 */
#include "shim/symbols.h"

#include <errno.h>
#include <stdarg.h>

#include "base/sys.h"

#include "shim/serve.h"
#include "shim/thread.h"
#include "shim/track.h"

#define MAP_KNOWN (MAP_SHARED | MAP_PRIVATE | MAP_NORESERVE | MAP_POPULATE | MAP_DENYWRITE)

static bool map_wanted(size_t n, int prot, int flags, int fd)
{
	int type = flags & MAP_TYPE;

	if (likely(fd < 0 || !fdtab_get(fd)) || !n)
		return false;
	/* a shared one cannot be written to: the descriptor is open for reading only */
	return !(flags & ~MAP_KNOWN) && !(prot & ~(PROT_READ | PROT_WRITE)) && prot & PROT_READ &&
	       (type == MAP_PRIVATE || (type == MAP_SHARED && !(prot & PROT_WRITE)));
}

static void map_lay(struct handle *handle, int fd, void *p, size_t n, int prot, off_t offset)
{
	uint64_t file = serve_file(handle, fd);

	if (file != RAWCACHE_NO_FILE)
		rawcache_file_map(attach_cache_now(), file, fd, p, n, prot, (uint64_t)offset);
}

static never_inline void *map_tracked(void *address, size_t n, int prot, int flags, int fd,
				      off_t offset)
{
	struct handle *handle = track_get(fd);
	void *p;

	if (!handle || handle->writer || thread_is_foreign() || !thread_enter())
		return NEXT(mmap)(address, n, prot, flags, fd, offset);
	/* populated later: the origin's pages would be read for nothing */
	p = NEXT(mmap)(address, n, prot, flags & ~MAP_POPULATE, fd, offset);
	if (p != MAP_FAILED) {
		int saved = errno;

		map_lay(handle, fd, p, n, prot, offset);
		if (flags & MAP_POPULATE)
			sys_madvise(p, n, MADV_POPULATE_READ);
		errno = saved;
	}
	thread_leave();
	return p;
}

/* What may lie in the range ends, unless the call fails. */
static inline void *notes_take(const void *address, size_t n)
{
	struct rawcache *cache = attach_cache_now();

	if (likely(!cache || !rawcache_maps_touch(cache, address, n)) || thread_is_foreign())
		return NULL;
	return rawcache_maps_take(cache, address, n);
}

static inline void notes_drop(void *taken, bool unmapped)
{
	if (unlikely(taken))
		rawcache_maps_drop(attach_cache_now(), taken, unmapped);
}

void *mmap(void *address, size_t n, int prot, int flags, int fd, off_t offset)
{
	void *taken;
	void *p;

	if (map_wanted(n, prot, flags, fd))
		return map_tracked(address, n, prot, flags, fd, offset);
	taken = unlikely((flags & MAP_FIXED) != 0) ? notes_take(address, n) : NULL;
	p = NEXT(mmap)(address, n, prot, flags, fd, offset);
	notes_drop(taken, p != MAP_FAILED);
	return p;
}

int munmap(void *address, size_t n)
{
	void *taken = notes_take(address, n);
	int ret = NEXT(munmap)(address, n);

	notes_drop(taken, !ret);
	return ret;
}

/*
 * What moved is held for ever. To grow or move a mapping that is made of several pieces the
 * kernel refuses (EFAULT), as it does for any two mappings side by side.
 */
static never_inline void *mremap_taken(void *old, size_t old_size, size_t n, int flags, void *to)
{
	void *left = n < old_size ? notes_take((char *)old + n, old_size - n) : NULL;
	void *moved = flags & MREMAP_MAYMOVE ? notes_take(old, n < old_size ? n : old_size) : NULL;
	void *taken = flags & MREMAP_FIXED ? notes_take(to, n) : NULL;
	void *p = NEXT(mremap)(old, old_size, n, flags, to);

	notes_drop(left, p != MAP_FAILED);
	notes_drop(taken, p != MAP_FAILED);
	if (p == MAP_FAILED || p == old)
		notes_drop(moved, false);
	return p;
}

void *mremap(void *old, size_t old_size, size_t n, int flags, ...)
{
	struct rawcache *cache = attach_cache_now();
	void *to = NULL;
	va_list ap;

	if (flags & MREMAP_FIXED) {
		va_start(ap, flags);
		to = va_arg(ap, void *);
		va_end(ap);
	}
	if (unlikely(cache && (rawcache_maps_touch(cache, old, old_size) ||
			       (to && rawcache_maps_touch(cache, to, n)))))
		return mremap_taken(old, old_size, n, flags, to);
	return NEXT(mremap)(old, old_size, n, flags, to);
}

HOOK_ALIAS(mmap64, mmap);
