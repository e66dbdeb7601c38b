/* SPDX-License-Identifier: MIT */
/*
 * Mappings of cached files. The kernel maps the origin first, and so decides about limits and errors; then
 * pages of the image replace those that the cache has. The others, and pages beyond the end of the file, stay
 * as the kernel mapped them.
 *
 * From then on the mapping is the kernel's business. Unmapping releases the holds of the regions; mremap()
 * moves them along (hooks_remap.c); elide.c does not use pages any more that mprotect() has made writable.
 */
#include "shim/libc/symbols.h"

#include <errno.h>

#include <rawcache/embed.h>

#include "base/sys.h"

#include "shim/files/loaded.h"
#include "shim/files/map_notify.h"
#include "shim/serve/notes.h"
#include "shim/table/news.h"
#include "shim/table/ring.h"
#include "shim/serve/serve.h"
#include "shim/libc/thread.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"

/* Not in all headers. */
#define ADVICE_GUARD 102 /* MADV_GUARD_INSTALL */
#define NUMBER_mseal 462 /* on all machines */

#define MAP_KNOWN (MAP_SHARED | MAP_PRIVATE | MAP_NORESERVE | MAP_POPULATE | MAP_DENYWRITE)

static bool map_wanted(size_t n, int prot, int flags, int fd)
{
	int type = flags & MAP_TYPE;

	if (likely(fd < 0 || !fdtab_get(fd)) || !n)
		return false;
	/* a shared mapping cannot be written: the descriptor is open for reading only */
	return !(flags & ~MAP_KNOWN) && !(prot & ~(PROT_READ | PROT_WRITE)) && prot & PROT_READ &&
	       (type == MAP_PRIVATE || (type == MAP_SHARED && !(prot & PROT_WRITE)));
}

static never_inline void *map_tracked(void *address, size_t n, int prot, int flags, int fd,
				      off_t offset)
{
	struct handle *handle = track_get(fd);
	void *p;

	/* a file that may be written is never mapped from the image */
	if (handle && load_acquire(&handle->mode) != HANDLE_READS) {
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_open_mode);
		handle = NULL;
	}
	if (!handle || thread_is_foreign() || !thread_enter())
		return NEXT(mmap)(address, n, prot, flags, fd, offset);
	/* populated later: otherwise the origin's pages would be read for nothing */
	p = NEXT(mmap)(address, n, prot, flags & ~MAP_POPULATE, fd, offset);
	if (p != MAP_FAILED) {
		int saved = errno;
		/* not if another thread has replaced the descriptor before the kernel mapped it */
		uint64_t file = fdtab_get(fd) == handle ? serve_file(handle, fd) : RAWCACHE_NO_FILE;

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

/* What is mapped shows changes before a look is due. */
static never_inline void map_tells(int fd)
{
	struct handle *handle = track_get(fd);

	if (handle)
		news_mapped(&handle->stx);
}

void *mmap(void *address, size_t n, int prot, int flags, int fd, off_t offset)
{
	bool tracked = fd >= 0 && fdtab_get(fd);
	bool shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
	void *taken;
	void *p;

	/* profilers find code by the name of its file */
	if (unlikely(prot & PROT_EXEC))
		tree_real(fd);
	if (unlikely(tracked))
		map_tells(fd);
	if (unlikely(tracked && shared))
		map_notify_begin(fd);
	if (map_wanted(n, prot, flags, fd)) {
		p = map_tracked(address, n, prot, flags, fd, offset);
		if (shared && p != MAP_FAILED)
			map_notify_note(p, n, prot, fd);
		return p;
	}
	taken = unlikely((flags & MAP_FIXED) != 0) ? notes_take(address, n) : NULL;
	p = NEXT(mmap)(address, n, prot, flags, fd, offset);
	notes_drop(taken, p != MAP_FAILED);
	if (p != MAP_FAILED)
		ring_mapped(fd, (unsigned long)offset, p);
	if (unlikely(tracked && shared) && p != MAP_FAILED)
		map_notify_note(p, n, prot, fd);
	return p;
}

int munmap(void *address, size_t n)
{
	void *taken = notes_take(address, n);
	struct map_notify_taken stores;
	int ret;

	map_notify_take(address, n, &stores);
	ret = NEXT(munmap)(address, n + notes_behind(taken, address, n));
	map_notify_end(&stores, !ret);
	notes_drop(taken, !ret);
	return ret;
}

int msync(void *address, size_t n, int flags)
{
	int ret;

	map_notify_announce(address, n);
	ret = NEXT(msync)(address, n, flags);
	map_notify_announce(address, n);
	return ret;
}

/* Returns false if the kernel would refuse this for a mapping of the origin. */
static inline bool notes_protect(const void *address, size_t n, int prot)
{
	/* the kernel reports other errors first */
	bool valid = n && !((uintptr_t)address % 4096) &&
		     !(prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC));
	int err = valid && notes_touch(address, n) ?
			  rawcache_maps_protect(attach_cache_now(), address, n, prot) :
			  0;

	if (unlikely(err))
		errno = -err;
	return likely(!err);
}

int mprotect(void *address, size_t n, int prot)
{
	bool opens = prot & PROT_WRITE && attach_active;
	int ret;

	if (opens) {
		map_notify_open(address, n);
		loaded_open_begin();
	}
	ret = notes_protect(address, n, prot) ? NEXT(mprotect)(address, n, prot) : -1;
	if (opens)
		loaded_open_end();
	return ret;
}

int pkey_mprotect(void *address, size_t n, int prot, int pkey)
{
	bool opens = prot & PROT_WRITE && attach_active;
	int ret;

	if (opens) {
		map_notify_open(address, n);
		loaded_open_begin();
	}
	ret = notes_protect(address, n, prot) ? NEXT(pkey_mprotect)(address, n, prot, pkey) : -1;
	if (opens)
		loaded_open_end();
	return ret;
}

/* What would be in the way of the origin's pages later, or be lost with the image's: they take the place now. */
static inline void notes_restore(const void *address, size_t n)
{
	if (n && !((uintptr_t)address % 4096) && notes_touch(address, n))
		rawcache_maps_restore(attach_cache_now(), address, n);
}

int madvise(void *address, size_t n, int advice)
{
	if (unlikely(advice == ADVICE_GUARD))
		notes_restore(address, n);
	return NEXT(madvise)(address, n, advice);
}

/* Older libcs do not have it. */
int mseal(void *address, size_t n, unsigned long flags)
{
	notes_restore(address, n);
	return (int)NEXT(syscall)(NUMBER_mseal, address, n, flags);
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
