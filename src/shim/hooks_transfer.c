/* SPDX-License-Identifier: MIT */
/*
 * Transfers inside the kernel. From a cached file they are made from the image: see serve.h. What
 * passes to the kernel without an offset is read at the position, which is settled first; tee()
 * touches neither positions nor bytes.
 */
#include "shim/symbols.h"

#include <errno.h>

#include "shim/announce.h"
#include "shim/serve.h"
#include "shim/thread.h"
#include "shim/track.h"

/* False: it passes to the kernel. */
static never_inline bool transfer_tracked(int in, off_t *offset,
					  const struct rawcache_transfer *transfer, size_t n,
					  ssize_t *done)
{
	struct handle *handle = track_get(in);
	bool served = false;

	if (!handle || handle->writer || thread_is_foreign() || (offset && *offset < 0))
		return false;
	if (!thread_enter())
		return false;
	served = offset ? serve_transfer(handle, in, transfer, (uint64_t)*offset, n, done)
			: serve_transfer_next(handle, in, transfer, n, done);
	thread_leave();
	if (!served)
		return false;
	if (offset && *done > 0)
		*offset += *done;
	if (*done < 0) {
		errno = (int)-*done;
		*done = -1;
	}
	return true;
}

static inline bool transfer_cached(int in, off_t *offset, struct rawcache_transfer *transfer,
				   size_t n, ssize_t *done)
{
	return unlikely(fdtab_get(in)) && transfer_tracked(in, offset, transfer, n, done);
}

static ssize_t sendfile_pass(int out, int in, off_t *offset, size_t n)
{
	struct handle *lent = offset ? NULL : fd_lend(in);
	ssize_t done = NEXT(sendfile)(out, in, offset, n);

	fd_return(lent);
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
	/* from a file it goes to a pipe, which has no offset: the kernel says so */
	if (out_offset || !transfer_cached(in, in_offset, &transfer, n, &done))
		done = splice_pass(in, in_offset, out, out_offset, n, flags);
	announce_end(&announce);
	return done;
}

/*
 * Left to the kernel: within one file system it can do better than copy, and from one to
 * another of a different kind it answers EXDEV, whereupon programs read and write.
 */
ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
			unsigned int flags)
{
	struct handle *lent = in_offset ? NULL : fd_lend(in);
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, out);
	done = NEXT(copy_file_range)(in, in_offset, out, out_offset, n, flags);
	announce_end(&announce);
	fd_return(lent);
	return done;
}

HOOK_ALIAS(sendfile64, sendfile);
