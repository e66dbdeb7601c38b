/* SPDX-License-Identifier: MIT */
/*
 * Transfers inside the kernel. A source without an offset is read at its position, which is
 * settled first; tee(), readahead() and posix_fadvise() touch neither positions nor bytes.
 */
#include "shim/symbols.h"

#include "shim/announce.h"
#include "shim/fd.h"

ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	struct handle *lent = offset ? NULL : fd_lend(in);
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, out);
	done = NEXT(sendfile)(out, in, offset, n);
	announce_end(&announce);
	fd_return(lent);
	return done;
}

ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
	       unsigned int flags)
{
	struct handle *lent = in_offset ? NULL : fd_lend(in);
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, out);
	done = NEXT(splice)(in, in_offset, out, out_offset, n, flags);
	announce_end(&announce);
	fd_return(lent);
	return done;
}

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
