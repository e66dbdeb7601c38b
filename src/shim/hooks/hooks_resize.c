/* SPDX-License-Identifier: MIT */
/* Changes of a file's size. */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "base/sys.h"

#include "shim/files/announce.h"
#include "shim/table/attach.h"
#include "shim/libc/thread.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"

int ftruncate(int fd, off_t size)
{
	return ANNOUNCED(fd, NEXT(ftruncate)(fd, size));
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
	return ANNOUNCED(fd, NEXT(fallocate)(fd, mode, offset, n));
}

int posix_fallocate(int fd, off_t offset, off_t n)
{
	return ANNOUNCED(fd, NEXT(posix_fallocate)(fd, offset, n));
}

/* By path: the file is opened for a moment to learn which one it is. */
static bool truncate_attributes(const char *path, struct statx *stx)
{
	int fd = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	bool inside;

	if (fd < 0)
		return false;
	inside = track_path_inside(fd) && !sys_fstatx(fd, stx) && S_ISREG(stx->stx_mode);
	sys_close(fd);
	return inside;
}

int truncate(const char *path, off_t size)
{
	enum rawcache_reason reason;
	struct statx stx;
	bool tell = unlikely(attach_active) && !thread_is_foreign() &&
		    truncate_attributes(path, &stx) && attach_cache(&reason);
	int ret;

	tree_touch(AT_FDCWD, path, TREE_FILE);
	if (tell)
		rawcache_file_changed(attach_cache_now(), &stx);
	ret = NEXT(truncate)(path, size);
	if (tell)
		rawcache_file_changed(attach_cache_now(), &stx);
	return ret;
}

HOOK_ALIAS(ftruncate64, ftruncate);
HOOK_ALIAS(truncate64, truncate);
HOOK_ALIAS(fallocate64, fallocate);
HOOK_ALIAS(posix_fallocate64, posix_fallocate);
