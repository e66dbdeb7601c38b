/* SPDX-License-Identifier: MIT */
/*
 * mremap() of a mapping that is made of pieces. The kernel would grow a piece into what follows it in the
 * image, and refuses to move several at once, so both is done here: piece after piece is moved, and new pages
 * are mapped from the origin, through any descriptor of the file that the program has open. Without one the
 * call fails with ENOMEM.
 */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <stdarg.h>

#include <rawcache/embed.h>

#include "base/memory.h"
#include "base/proctable.h"
#include "base/sys.h"

#include "shim/files/map_notify.h"
#include "shim/serve/notes.h"
#include "shim/files/track.h"

#define PAGE ((size_t)4096) /* of both machines: 4 KiB pages are required */
/* A number that another thread closes meanwhile; so often in a row it does not happen. */
#define ORIGIN_TRIES 16

static size_t round_pages(size_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

static bool is_mapped_file(struct handle *handle, const void *arg)
{
	const struct rawcache_mapped *mapped = arg;
	const struct statx *stx = &handle->stx;

	return !handle_is_writer(handle) && stx->stx_ino == mapped->inode &&
	       sys_device(stx) == mapped->device;
}

/*
 * Whether the mapping shows the file. The descriptor may have been another file's for a moment: what counts
 * is which file the kernel names for the mapping. It may name it otherwise than stat() does.
 */
static bool is_origin(const void *at, int fd, const struct rawcache_mapped *mapped)
{
	struct vma vma, origin;

	if (mapped->origin && vma_find((uintptr_t)at, &vma))
		return vma_find((uintptr_t)mapped->origin, &origin) &&
		       vma.device == origin.device && vma.inode == origin.inode;
	return sys_fd_is(fd, mapped->device, mapped->inode);
}

/*
 * Map the origin at [at, at + n), which begins `behind` bytes after what `mapped` describes. With
 * MAP_FIXED, the caller must unmap what a failure leaves there.
 */
static bool origin_map(char *at, size_t n, const struct rawcache_mapped *mapped, size_t behind,
		       int fixed)
{
	for (int i = 0; i < ORIGIN_TRIES; i++) {
		int fd = fdtab_find(is_mapped_file, mapped);
		void *p;

		if (fd < 0)
			return false;
		p = sys_mmap(at, n, mapped->prot, mapped->type | fixed, fd,
			     mapped->offset + behind);
		if (p == at && is_origin(p, fd, mapped))
			return true;
		/* kernels before 4.17 take MAP_FIXED_NOREPLACE as a hint */
		if (!sys_is_error(p) && (p != at || fixed != MAP_FIXED))
			sys_munmap(p, n);
		if (p != at && p != (void *)-EBADF && p != (void *)-EACCES)
			return false;
	}
	return false;
}

/* The length up to the next edge of a piece: up to there it is one mapping for the kernel. */
static size_t step_at(const char *old, size_t done, size_t n, const void *moved)
{
	const char *edge = rawcache_maps_edge(moved, old + done);

	return edge && edge < old + n ? (size_t)(edge - old) - done : n - done;
}

static bool step_move(char *from, size_t n, char *to)
{
	return NEXT(mremap)(from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

/*
 * Move [old, old + n), of which `moved` are the pieces. Returns how much was moved: all, unless that
 * failed.
 */
static size_t pieces_move(char *old, size_t n, char *to, const void *moved)
{
	size_t done = 0;

	while (done < n) {
		size_t step = step_at(old, done, n, moved);

		if (!step_move(old + done, step, to + done))
			break;
		done += step;
	}
	return done;
}

/* Move back, into holes that another thread may have taken by now. */
static void pieces_move_back(char *old, size_t n, char *from, const void *moved)
{
	for (size_t done = 0, step; done < n; done += step) {
		step = step_at(old, done, n, moved);
		if (memory_reserve_at(old + done, step))
			step_move(from + done, step, old + done);
	}
}

/* Move all of it, or nothing: then the new place is unmapped. */
static bool pieces_place(char *old, size_t n, char *place, size_t place_size, const void *moved)
{
	size_t done = pieces_move(old, n, place, moved);
	size_t failed;

	if (done == n)
		return true;
	failed = step_at(old, done, n, moved);
	pieces_move_back(old, done, place, moved);
	/* the kernel has unmapped the address of the failed one, and another thread may have it now */
	if (done)
		sys_munmap(place, done);
	if (done + failed < place_size)
		sys_munmap(place + done + failed, place_size - done - failed);
	return false;
}

/* All sizes are whole pages; `first` describes what is mapped at `old`. */
static void *pieces_remap(char *old, size_t old_size, size_t n, int flags, void *to,
			  const struct rawcache_mapped *first, const void *moved)
{
	size_t more = n > old_size ? n - old_size : 0;
	char *p;

	if (more && old_size && !(flags & MREMAP_FIXED) &&
	    origin_map(old + old_size, more, first, old_size, MAP_FIXED_NOREPLACE))
		return old;
	if (!(flags & MREMAP_MAYMOVE) || (more && fdtab_find(is_mapped_file, first) < 0))
		return NULL;
	/* at the address that the program wants, or anywhere */
	p = sys_reserve(flags & MREMAP_FIXED ? to : NULL, n, flags & MREMAP_FIXED ? MAP_FIXED : 0);
	if (sys_is_error(p))
		return NULL;
	if (more && !origin_map(p + old_size, more, first, old_size, MAP_FIXED)) {
		sys_munmap(p, n);
		return NULL;
	}
	if (!pieces_place(old, n - more, p, n, moved))
		return NULL;
	if (n < old_size)
		sys_munmap(old + n, old_size - n);
	return p;
}

/* Whether the kernel moves several mappings, and the holes between them, by one call: since 6.17. */
static bool kernel_moves_many(void)
{
	static int32_t known; /* -1: it does not */
	char *p = load_relaxed(&known) ? (char *)-EEXIST : sys_reserve(NULL, 4 * PAGE, 0);
	char *to = p + 2 * PAGE;

	if (!sys_is_error(p)) {
		bool moved = !SYS_CALL(__NR_mprotect, p, PAGE, PROT_READ, 0, 0, 0) &&
			     (char *)SYS_CALL(__NR_mremap, p, 2 * PAGE, 2 * PAGE,
					      MREMAP_MAYMOVE | MREMAP_FIXED, to, 0) == to;

		store_relaxed(&known, moved ? 1 : -1);
		sys_munmap(moved ? to : p, 2 * PAGE);
	}
	return load_relaxed(&known) > 0;
}

/* Whether mseal() has closed the mapping, which then cannot grow: only a call that changes nothing tells. */
static bool is_sealed(char *old, size_t n)
{
	char *last = n > PAGE ? old + n - PAGE : old;

	return SYS_CALL(__NR_mremap, old, PAGE, PAGE, 0, 0, 0) == -EPERM ||
	       SYS_CALL(__NR_mremap, last, PAGE, PAGE, 0, 0, 0) == -EPERM;
}

static bool overlap(const char *old, size_t old_size, const void *to, size_t n)
{
	return (const char *)to < old + old_size && old < (const char *)to + n;
}

/*
 * Whether the kernel refuses the call by itself, or does the same to pieces as to one mapping: they shrink
 * in place.
 */
static bool remap_is_kernels(const char *old, size_t old_size, size_t n, int flags, const void *to)
{
	if (!n || n > SIZE_MAX / 2 || old_size > SIZE_MAX / 2)
		return true;
	if ((uintptr_t)old % PAGE || (uintptr_t)to % PAGE ||
	    flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED))
		return true;
	if (!(flags & MREMAP_FIXED))
		return n <= old_size;
	return !(flags & MREMAP_MAYMOVE) || overlap(old, old_size, to, n);
}

/* Who carries out a call. A negative error: it is refused. */
enum remap { REMAP_KERNEL = 0, REMAP_OURS = 1 };

/*
 * Whether all of [old, old + n) are pieces, provided that nobody has unmapped some unseen, and whether they
 * may be moved.
 */
static int pieces_movable(char *old, size_t n)
{
	if (sys_msync(old, n, MS_ASYNC) == -ENOMEM)
		return -EFAULT; /* a hole in it */
	return is_sealed(old, n) ? -EPERM : REMAP_OURS;
}

/* enum remap, or a negative error (-EFAULT: not one mapping). */
static int remap_is_ours(char *old, size_t old_size, size_t n, int flags, const void *to,
			 struct rawcache_mapped *first)
{
	int found;

	if (remap_is_kernels(old, old_size, n, flags, to))
		return REMAP_KERNEL;
	found = rawcache_maps_find(attach_cache_now(), old, old_size ? old_size : PAGE, first);
	/* with an old size of 0, a shared mapping is made once more */
	if (found > 0 && !old_size)
		return first->type == MAP_SHARED ? REMAP_OURS : REMAP_KERNEL;
	if (found > 0)
		found = pieces_movable(old, old_size);
	if (found < 0 && flags & MREMAP_FIXED && n == old_size && kernel_moves_many())
		return REMAP_KERNEL;
	return found;
}

/* The same with MREMAP_DONTUNMAP, which is refused unless all of it moves. */
static int remap_leaving_is_ours(char *old, size_t old_size, size_t n, int flags, const void *to,
				 struct rawcache_mapped *first)
{
	const int known = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;

	if ((flags & ~MREMAP_FIXED) != known || old_size != n || !n || (uintptr_t)old % PAGE ||
	    n > SIZE_MAX / 2)
		return REMAP_KERNEL;
	/* a hint, without MREMAP_FIXED, but checked as if it were fixed */
	if ((uintptr_t)to % PAGE || overlap(old, n, to, n))
		return REMAP_KERNEL;
	if (is_sealed(old, n))
		return -EPERM;
	return rawcache_maps_find(attach_cache_now(), old, n, first);
}

/* Map the origin's pages, from a descriptor or from the mapping that the cache keeps of it. */
static bool origin_copy(char *at, size_t n, const struct rawcache_mapped *mapped)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (origin_map(at, n, mapped, 0, MAP_FIXED))
		return true;
	return mapped->origin &&
	       SYS_CALL(__NR_mremap, mapped->origin, n, n, flags, at, 0) == (long)at &&
	       !SYS_CALL(__NR_mprotect, at, n, mapped->prot, 0, 0, 0);
}

/*
 * Move the pieces to the new place; what stays mapped at the old one shows the file again, as after the
 * kernel's own. Another thread may have taken the place in between: then it keeps it.
 */
static void *pieces_leave(char *old, size_t n, int flags, void *to,
			  const struct rawcache_mapped *first, const void *moved)
{
	char *p = NULL;

	if (first->origin || fdtab_find(is_mapped_file, first) >= 0)
		p = pieces_remap(old, n, n, flags & ~MREMAP_DONTUNMAP, to, first, moved);
	if (p && memory_reserve_at(old, n) && !origin_copy(old, n, first))
		sys_reserve(old, n, MAP_FIXED);
	return p;
}

static never_inline void *mremap_noted(char *old, size_t old_size, size_t n, int flags, void *to)
{
	size_t from = round_pages(old_size);
	size_t pages = round_pages(n);
	struct rawcache_mapped first;
	bool stays = flags & MREMAP_DONTUNMAP;
	int ours = stays ? remap_leaving_is_ours(old, from, pages, flags, to, &first) :
			   remap_is_ours(old, from, pages, flags, to, &first);
	void *left = pages < from ? notes_take(old + pages, from - pages) : NULL;
	void *taken = flags & MREMAP_FIXED ? notes_take(to, pages) : NULL;
	void *moved = notes_take(old, pages < from ? pages : from);
	char *p;

	if (ours < 0) {
		errno = -ours;
		p = MAP_FAILED;
	} else if (ours) {
		int saved = errno;

		errno = ENOMEM; /* unless the kernel reports another error */
		p = stays ? pieces_leave(old, from, flags, to, &first, moved) :
			    pieces_remap(old, from, pages, flags, to, &first, moved);
		errno = p ? saved : errno;
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
	if (notes_touch(old, old_size ? old_size : 1) ||
	    (flags & MREMAP_FIXED && notes_touch(to, n)))
		p = mremap_noted(old, old_size, n, flags, to);
	else
		p = NEXT(mremap)(old, old_size, n, flags, to);
	/* of size 0 it is mapped once more */
	if (p != MAP_FAILED && unlikely(load_relaxed(&map_notify_count)))
		map_notify_move(old, old_size, !old_size || flags & MREMAP_DONTUNMAP, p, n);
	return p;
}
