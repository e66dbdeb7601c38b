/* SPDX-License-Identifier: MIT */
/*
 * Transfers inside the kernel. From a cached file they are made from the image: see serve.h. A transfer
 * without an offset that goes to the kernel reads at the position, which is set first; tee() touches
 * neither positions nor bytes.
 */
#include "shim/libc/symbols.h"

#include <errno.h>

#include <linux/magic.h>

#include "base/fstype.h"
#include "base/guard.h"
#include "base/sys.h"

#include "shim/files/announce.h"
#include "shim/serve/serve.h"
#include "shim/libc/thread.h"
#include "shim/files/look.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* Read the program's offset, whose address may be bad. */
static bool offset_get(const off_t *offset, off_t *at)
{
	return !offset || (!guard_copy(at, offset, sizeof(*at)) && *at >= 0);
}

static void offset_put(off_t *offset, off_t at, ssize_t *done)
{
	if (guard_copy(offset, &at, sizeof(at)))
		*done = -EFAULT;
}

/*
 * Whether the transfer is from a file to itself: the kernel refuses ranges that overlap, or reads what it
 * has just written, which the image does not know yet. (A pipe, the target of splice(), is no such file.)
 */
static bool transfer_is_own(const struct handle *handle, const struct rawcache_transfer *transfer)
{
	return transfer->way != RAWCACHE_TRANSFER_SPLICE &&
	       sys_fd_is(transfer->out, sys_device(&handle->stx), handle->stx.stx_ino);
}

/* False: it must go to the kernel. */
static never_inline bool transfer_tracked(int in, off_t *offset,
					  const struct rawcache_transfer *transfer, size_t n,
					  ssize_t *done, off_t *end)
{
	struct handle *handle = track_get(in);
	bool served = false;
	off_t at;

	/* a count that the kernel refuses */
	if (n > SSIZE_MAX || !handle || handle_is_writer(handle) || thread_is_foreign() ||
	    transfer_is_own(handle, transfer) || !thread_enter())
		return false;
	if (offset_get(offset, &at))
		served = offset ? serve_transfer(handle, in, transfer, (uint64_t)at, n, done) :
				  serve_transfer_next(handle, in, transfer, n, done);
	thread_leave();
	*end = offset && served ? at + (*done > 0 ? *done : 0) : 0;
	/* of 0 bytes: the target was not checked yet */
	return served && *done;
}

/* The result as the program sees it. */
static void transfer_end(ssize_t *done)
{
	if (*done < 0) {
		errno = (int)-*done;
		*done = -1;
	}
}

static inline bool transfer_cached(int in, off_t *offset, struct rawcache_transfer *transfer,
				   size_t n, ssize_t *done)
{
	off_t end;

	if (likely(!fdtab_get(in)) || !transfer_tracked(in, offset, transfer, n, done, &end))
		return false;
	/* sendfile() writes it in any case */
	if (offset && (*done > 0 || transfer->way == RAWCACHE_TRANSFER_SENDFILE))
		offset_put(offset, end, done);
	transfer_end(done);
	return true;
}

static ssize_t sendfile_pass(int out, int in, off_t *offset, size_t n)
{
	struct handle *lent = offset ? NULL : fd_lend(in);
	ssize_t done = NEXT(sendfile)(out, in, offset, n);

	fd_return(lent);
	look_after(in);
	return done;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	struct rawcache_transfer transfer = { .way = RAWCACHE_TRANSFER_SENDFILE, .out = out };
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, out);
	if (!transfer_cached(in, offset, &transfer, n, &done))
		done = sendfile_pass(out, in, offset, n);
	announce_end(&announce);
	return done;
}

static ssize_t splice_pass(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
			   unsigned int flags)
{
	struct handle *lent = in_offset ? NULL : fd_lend(in);
	ssize_t done = NEXT(splice)(in, in_offset, out, out_offset, n, flags);

	fd_return(lent);
	look_after(in);
	return done;
}

ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
	       unsigned int flags)
{
	struct rawcache_transfer transfer = { .way = RAWCACHE_TRANSFER_SPLICE,
					      .out = out,
					      .flags = flags };
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, out);
	/*
	 * from a file the target must be a pipe, which has no offset: the kernel reports that, and unknown
	 * flags
	 */
	if (out_offset || flags & ~SPLICE_FLAGS ||
	    !transfer_cached(in, in_offset, &transfer, n, &done))
		done = splice_pass(in, in_offset, out, out_offset, n, flags);
	announce_end(&announce);
	return done;
}

/* File systems that copy at the server, so that the bytes do not travel here and back. */
static bool copies_afar(int fd)
{
	static const uint32_t types[] = { NFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC,
					  CEPH_SUPER_MAGIC };
	struct statfs fs;

	return sys_fstatfs(fd, &fs) || fstype_among(&fs, types, ARRAY_SIZE(types));
}

/* The kernel reports this limit by a signal: we check it first, so that there are not two. */
static bool copy_is_limited(size_t n, off64_t to)
{
	return n > (size_t)(INT64_MAX - to) || !sys_file_size_allowed(UINT64_MAX);
}

/*
 * A copy of 0 bytes lets the kernel check everything that does not depend on the count: descriptors, modes,
 * offsets, file systems, whether the target may be written. What it refuses, or does better, is left to it;
 * the rest is written from the cache. What does depend on the count, and is not refused by write() as by
 * this call, is checked before.
 */
static never_inline bool copy_cached(int in, off64_t *in_offset, int out, off64_t *out_offset,
				     size_t n, unsigned int flags, ssize_t *done)
{
	struct rawcache_transfer transfer = { .way = RAWCACHE_TRANSFER_WRITE, .out = out };
	int saved = errno;
	off64_t to = 0;
	off_t end;

	if (!offset_get(out_offset, &to) || copy_is_limited(n, to) ||
	    sys_fcntl(out, F_GETFL, 0) & (O_DIRECT | O_APPEND) || copies_afar(out) ||
	    NEXT(copy_file_range)(in, in_offset, out, out_offset, 0, flags)) {
		errno = saved;
		return false;
	}
	if (out_offset)
		transfer.out_offset = (uint64_t *)&to;
	/* write() may have reasons of its own to fail */
	if (!transfer_tracked(in, in_offset, &transfer, n, done, &end) || *done < 0) {
		errno = saved;
		return false;
	}
	/* from here on nothing is tried again, although writing the offset may fail */
	if (in_offset)
		offset_put(in_offset, end, done);
	if (out_offset)
		offset_put(out_offset, to, done);
	transfer_end(done);
	return true;
}

ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
			unsigned int flags)
{
	struct handle *lent;
	struct announce announce;
	ssize_t done;

	if (unlikely(load_relaxed(&handle_frozen)))
		tree_real_beside(in, out);
	announce_begin(&announce, out);
	if (likely(!fdtab_get(in)) ||
	    !copy_cached(in, in_offset, out, out_offset, n, flags, &done)) {
		lent = in_offset ? NULL : fd_lend(in);
		done = NEXT(copy_file_range)(in, in_offset, out, out_offset, n, flags);
		fd_return(lent);
		look_after(in);
	}
	announce_end(&announce);
	return done;
}

HOOK_ALIAS(sendfile64, sendfile);
