/* SPDX-License-Identifier: MIT */
/* One file opened ahead, by a helper. */
#include "core/origin/opens_queue.h"

#include <errno.h>

/* A file whose data may be on tape has no blocks. */
static bool may_be_opened(const struct statx *stx)
{
	return S_ISREG(stx->stx_mode) && (stx->stx_blocks || !stx->stx_size);
}

int opens_file(struct opens_slot *slot)
{
	struct statx before;
	int fd;

	if (sys_statx(AT_FDCWD, slot->path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		      STATX_IDENTITY | STATX_BLOCKS | STATX_MNT_ID, &before) ||
	    !may_be_opened(&before) || dirlist_shares(slot->path, &before))
		return -EINVAL;
	fd = sys_openat(AT_FDCWD, slot->path, slot->flags | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	if (!sys_fstatx(fd, &slot->stx) && S_ISREG(slot->stx.stx_mode) &&
	    slot->stx.stx_ino == before.stx_ino &&
	    (slot->flags & O_NONBLOCK || !sys_fcntl(fd, F_SETFL, (uintptr_t)slot->flags)))
		return fd;
	sys_close(fd);
	return -EINVAL;
}
