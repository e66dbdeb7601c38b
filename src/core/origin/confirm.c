/* SPDX-License-Identifier: MIT */
#include "core/origin/confirm.h"

#include "base/sys.h"
#include "core/origin/file.h"
#include "core/origin/origin.h"

#ifndef __NR_cachestat
#define __NR_cachestat 451 /* since Linux 6.5 */
#endif

bool confirm_needed(const struct file *file)
{
	return file->identity.look != LOOK_LOCAL;
}

bool confirm_by_descriptor(const struct file *file, int fd)
{
	struct statx stx;

	switch (file->identity.look) {
	case LOOK_LOCAL:
		return true;
	case LOOK_ASKED:
		return !sys_fstatx_sync(fd, &stx) && file_is_as(file, &stx);
	default:
		return false;
	}
}

/* O_NONBLOCK: the file that has the name now may be a pipe. */
static bool confirm_opened(const struct file *file)
{
	int fd = sys_openat(AT_FDCWD, file->path,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	struct statx stx;
	bool same;

	if (fd < 0)
		return false;
	same = !sys_fstatx_sync(fd, &stx) && file_is_as(file, &stx);
	/* of a helper's table: no record lock of the program ends */
	sys_close(fd);
	return same;
}

bool confirm_by_path(const struct file *file)
{
	struct statx stx;

	if (!file->path)
		return false;
	if (file->identity.look == LOOK_OPENED)
		return confirm_opened(file);
	return !sys_statx(AT_FDCWD, file->path,
			  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_FORCE_SYNC,
			  STATX_IDENTITY, &stx) &&
	       file_is_as(file, &stx);
}

bool confirm_pages(struct file *file, int fd)
{
	uint64_t all[2] = { 0, 0 }; /* struct cachestat_range: from, length; 0: to the end */
	uint64_t pages[5] = { 0 };  /* struct cachestat: cached, ... */

	if (!load_relaxed(&file->paged))
		return true;
	sys_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!SYS_CALL(__NR_cachestat, fd, all, pages, 0, 0, 0) && pages[0])
		return false;
	store_relaxed(&file->paged, 0);
	return true;
}
