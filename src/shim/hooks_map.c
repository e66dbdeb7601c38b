/* SPDX-License-Identifier: MIT */
/*
 * Mappings of cached files. The kernel maps the origin first, and so decides about limits and
 * errors; then pages of the image take the place of what the cache has. What it has not, and what
 * lies beyond the end of the file, stays as the kernel mapped it.
 *
 * From then on the mapping is the kernel's business. Unmapping gives up the holds of the regions;
 * mremap() takes them along; what mprotect() makes writable is not known any more to elide.c.
 */
#include "shim/symbols.h"

#include <errno.h>
#include <stdarg.h>

#include "base/sys.h"

#include "shim/mapped.h"
#include "shim/serve.h"
#include "shim/thread.h"
#include "shim/track.h"

#define PAGE ((size_t)4096)
#define MAP_KNOWN (MAP_SHARED | MAP_PRIVATE | MAP_NORESERVE | MAP_POPULATE | MAP_DENYWRITE)

static size_t round_pages(size_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

static bool map_wanted(size_t n, int prot, int flags, int fd)
{
	int type = flags & MAP_TYPE;

	if (likely(fd < 0 || !fdtab_get(fd)) || !n)
		return false;
	/* a shared one cannot be written to: the descriptor is open for reading only */
	return !(flags & ~MAP_KNOWN) && !(prot & ~(PROT_READ | PROT_WRITE)) && prot & PROT_READ &&
	       (type == MAP_PRIVATE || (type == MAP_SHARED && !(prot & PROT_WRITE)));
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
		uint64_t file = serve_file(handle, fd);

		if (file != RAWCACHE_NO_FILE)
			rawcache_file_map(attach_cache_now(), file, fd, &p, n, prot,
					  address ? flags | MAP_FIXED : flags, (uint64_t)offset);
		if (flags & MAP_POPULATE)
			sys_madvise(p, n, MADV_POPULATE_READ);
		errno = saved;
	}
	thread_leave();
	return p;
}

static inline bool notes_touch(const void *address, size_t n)
{
	struct rawcache *cache = attach_cache_now();

	return unlikely(cache && rawcache_maps_touch(cache, address, n)) && attach_active &&
	       !thread_is_foreign();
}

/* What may lie in the range ends, unless the call fails. */
static inline void *notes_take(const void *address, size_t n)
{
	return notes_touch(address, n) ? rawcache_maps_take(attach_cache_now(), address, n) : NULL;
}

static inline void notes_drop(void *taken, bool unmapped)
{
	if (likely(!taken))
		return;
	if (unmapped)
		rawcache_maps_drop(attach_cache_now(), taken);
	else
		rawcache_maps_put(attach_cache_now(), taken, 0);
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
	if (likely(fd < 0 || !fdtab_get(fd)) || p == MAP_FAILED)
		return p;
	/* it may be made writable later */
	if ((flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
		mapped_note(p, n, fd);
	return p;
}

int munmap(void *address, size_t n)
{
	void *taken = notes_take(address, n);
	int ret;

	mapped_end(address, n);
	ret = NEXT(munmap)(address, n);
	notes_drop(taken, !ret);
	return ret;
}

int msync(void *address, size_t n, int flags)
{
	int ret;

	mapped_announce(address, n);
	ret = NEXT(msync)(address, n, flags);
	mapped_announce(address, n);
	return ret;
}

static inline void notes_protect(void *address, size_t n, int prot)
{
	if (prot & PROT_WRITE && notes_touch(address, n))
		rawcache_maps_changeable(attach_cache_now(), address, n);
}

int mprotect(void *address, size_t n, int prot)
{
	notes_protect(address, n, prot);
	return NEXT(mprotect)(address, n, prot);
}

int pkey_mprotect(void *address, size_t n, int prot, int pkey)
{
	notes_protect(address, n, prot);
	return NEXT(pkey_mprotect)(address, n, prot, pkey);
}

/*
 * mremap() of a mapping that is made of pieces. The kernel would grow a piece into what follows
 * it in the image, and refuses to move several at once, so both is done here: piece after piece
 * is moved, and what is new is mapped from the origin, through any descriptor of the file that the
 * program has open. Without one the answer is ENOMEM.
 */
static bool is_mapped_file(struct handle *handle, const void *arg)
{
	const struct rawcache_mapped *mapped = arg;
	const struct statx *stx = &handle->stx;

	return !handle->writer && stx->stx_ino == mapped->inode &&
	       ((uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor) == mapped->device;
}

/* The origin of [at, at + n), which begins `behind` bytes after what `mapped` tells of. */
static bool origin_map(char *at, size_t n, const struct rawcache_mapped *mapped, size_t behind,
		       int fixed)
{
	int fd = fdtab_find(is_mapped_file, mapped);
	struct statx stx;
	void *p;

	if (fd < 0 || sys_fstatx(fd, &stx) || stx.stx_ino != mapped->inode)
		return false;
	p = sys_mmap(at, n, mapped->prot, MAP_PRIVATE | fixed, fd, mapped->offset + behind);
	/* kernels before 4.17 take the address for a wish */
	if (!sys_is_error(p) && p != at)
		sys_munmap(p, n);
	return p == at;
}

/* Move [from, from + n), whatever number of pieces it is made of. */
static bool pieces_move(char *from, size_t n, char *to)
{
	size_t half = round_pages(n / 2);

	if (NEXT(mremap)(from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to)
		return true;
	return n > PAGE && pieces_move(from, half, to) &&
	       pieces_move(from + half, n - half, to + half);
}

/* A place for `n` bytes: where the program wants it, or anywhere. */
static char *place_get(size_t n, int flags, void *to)
{
	return sys_mmap(flags & MREMAP_FIXED ? to : NULL, n, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				(flags & MREMAP_FIXED ? MAP_FIXED : 0),
			-1, 0);
}

/* All sizes are whole pages; `last` is the last page that there was. */
static void *pieces_remap(char *old, size_t old_size, size_t n, int flags, void *to,
			  const struct rawcache_mapped *last)
{
	size_t more = n > old_size ? n - old_size : 0;
	char *p;

	if (more && !(flags & MREMAP_FIXED) &&
	    origin_map(old + old_size, more, last, PAGE, MAP_FIXED_NOREPLACE))
		return old;
	if (!(flags & MREMAP_MAYMOVE) || (more && fdtab_find(is_mapped_file, last) < 0))
		return NULL;
	p = place_get(n, flags, to);
	if (sys_is_error(p))
		return NULL;
	if ((more && !origin_map(p + old_size, more, last, PAGE, MAP_FIXED)) ||
	    !pieces_move(old, n - more, p)) {
		sys_munmap(p, n);
		return NULL;
	}
	if (n < old_size)
		sys_munmap(old + n, old_size - n);
	return p;
}

static bool remap_is_ours(char *old, size_t old_size, size_t n, int flags, const void *to,
			  struct rawcache_mapped *last)
{
	bool moves = flags & MREMAP_FIXED;
	bool valid = n && old_size && !((uintptr_t)old % PAGE) && !((uintptr_t)to % PAGE) &&
		     !(flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) &&
		     (!moves || flags & MREMAP_MAYMOVE);

	/* whether old and new overlap is the kernel's to say */
	if (moves && (char *)to < old + old_size && old < (char *)to + n)
		return false;
	return valid && n <= SIZE_MAX / 2 && (moves || n > old_size) &&
	       rawcache_maps_find(attach_cache_now(), old + old_size - PAGE, last);
}

static never_inline void *mremap_noted(char *old, size_t old_size, size_t n, int flags, void *to)
{
	size_t from = round_pages(old_size);
	size_t pages = round_pages(n);
	struct rawcache_mapped last;
	bool ours = remap_is_ours(old, from, pages, flags, to, &last);
	void *left = pages < from ? notes_take(old + pages, from - pages) : NULL;
	void *taken = flags & MREMAP_FIXED ? notes_take(to, pages) : NULL;
	void *moved = notes_take(old, pages < from ? pages : from);
	char *p;

	if (moved && flags & MREMAP_DONTUNMAP) {
		/* it would lie at two places; kernels before 5.13 refuse that for any file */
		errno = EINVAL;
		p = MAP_FAILED;
	} else if (ours) {
		p = pieces_remap(old, from, pages, flags, to, &last);
		errno = p ? errno : ENOMEM;
		p = p ? p : MAP_FAILED;
	} else {
		p = NEXT(mremap)(old, old_size, n, flags, to);
	}
	notes_drop(left, p != MAP_FAILED);
	notes_drop(taken, p != MAP_FAILED);
	if (moved)
		rawcache_maps_put(attach_cache_now(), moved, p == MAP_FAILED ? 0 : p - old);
	return p;
}

void *mremap(void *old, size_t old_size, size_t n, int flags, ...)
{
	void *to = NULL;
	void *p;
	va_list ap;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(ap, flags);
		to = va_arg(ap, void *);
		va_end(ap);
	}
	if (notes_touch(old, old_size) || (flags & MREMAP_FIXED && notes_touch(to, n)))
		return mremap_noted(old, old_size, n, flags, to);
	p = NEXT(mremap)(old, old_size, n, flags, to);
	if (p != MAP_FAILED && unlikely(load_relaxed(&mapped_count)))
		mapped_move(old, p, n);
	return p;
}

int mlockall(int flags)
{
	struct rawcache *cache = attach_cache_now();
	int saved = errno;
	int ret;

	if (likely(!cache))
		return NEXT(mlockall)(flags);
	ret = rawcache_lock_all(cache, NEXT(mlockall), flags);
	if (!ret)
		errno = saved;
	return ret;
}

HOOK_ALIAS(mmap64, mmap);
