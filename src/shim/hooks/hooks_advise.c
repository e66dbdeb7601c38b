/* SPDX-License-Identifier: MIT */
/*
 * Advice of programs about their reading: the cache reads ahead accordingly. The kernel is told as well,
 * except for advice that would only fill its page cache beside ours.
 */
#include "shim/libc/symbols.h"

#include "shim/table/attach.h"
#include "shim/table/handle.h"
#include "shim/libc/thread.h"
#include "shim/files/look.h"
#include "shim/files/track.h"

/* Returns true if the cache has acted on the advice. */
static never_inline bool advise_tracked(int fd, off_t offset, off_t n, int advice)
{
	struct handle *handle = track_get(fd);
	uint64_t file;

	if (!handle || offset < 0 || n < 0 || thread_is_foreign() || !thread_enter())
		return false;
	file = load_acquire(&handle->file);
	if (file != RAWCACHE_NO_FILE)
		rawcache_file_advise(attach_cache_now(), file, fd, (uint64_t)offset, (uint64_t)n,
				     advice);
	thread_leave();
	return file != RAWCACHE_NO_FILE && advice == POSIX_FADV_WILLNEED;
}

int posix_fadvise(int fd, off_t offset, off_t n, int advice)
{
	int err;

	if (likely(!fdtab_get(fd)))
		return NEXT(posix_fadvise)(fd, offset, n, advice);
	if (advise_tracked(fd, offset, n, advice))
		return 0;
	err = NEXT(posix_fadvise)(fd, offset, n, advice);
	/*
	 * the kernel's pages of it are dropped, and the next ones may differ; some programs do so for each
	 * block
	 */
	if (!err && advice == POSIX_FADV_DONTNEED)
		look_again(fd, false);
	return err;
}

ssize_t readahead(int fd, off64_t offset, size_t n)
{
	if (unlikely(fdtab_get(fd)) && n && n <= INT64_MAX &&
	    advise_tracked(fd, offset, (off_t)n, POSIX_FADV_WILLNEED))
		return 0;
	return NEXT(readahead)(fd, offset, n);
}

HOOK_ALIAS(posix_fadvise64, posix_fadvise);
