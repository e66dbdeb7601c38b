/* SPDX-License-Identifier: MIT */
#include "cli/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fdpath.h"
#include "base/paths.h"
#include "base/sys.h"

/* The canonical path of the descriptor's file, as the kernel tells it. */
static int canonical_name(int fd, char *path, size_t n)
{
	char link[FDPATH_BYTES];
	ssize_t length;

	fdpath(link, fd);
	length = readlink(link, path, n - 1);
	if (length < 0)
		return -errno;
	path[length] = '\0';
	return 0;
}

/* What can be found out before the file is opened: opening a device or a FIFO may have effects. */
static int subject_look(struct subject *subject, int fd, struct statx *stx)
{
	int err = canonical_name(fd, subject->path, sizeof(subject->path));

	if (err)
		return err;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, stx))
		return -errno;
	subject->regular = S_ISREG(stx->stx_mode);
	subject->size = stx->stx_size;
	subject->changed = max_u64(sys_timestamp_ns(&stx->stx_mtime),
				   sys_timestamp_ns(&stx->stx_ctime));
	return 0;
}

static enum rawcache_reason place_reason(struct subject *subject, const struct subject_view *view)
{
	if (!view->paths)
		return RAWCACHE_REASON_no_paths;
	switch (paths_find(view->paths, subject->path, &subject->dir, &subject->dir_length)) {
	case PATH_INSIDE:
		return RAWCACHE_REASON_none;
	case PATH_EXCLUDED:
		return RAWCACHE_REASON_excluded;
	default:
		return RAWCACHE_REASON_outside;
	}
}

static enum rawcache_reason subject_open_reason(struct subject *subject, int fd,
						const struct subject_view *view)
{
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	struct statx stx;
	int err;

	/* with the mount id, as the preload object asks for it */
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx))
		return RAWCACHE_REASON_not_regular;
	if (!stx.stx_nlink)
		return RAWCACHE_REASON_deleted;
	if (!view->cache)
		return view->reason;
	err = rawcache_file_explain(view->cache, fd, subject->path, &stx, &subject->state, &reason);
	if (err)
		return reason;
	if (view->tier && !rawcache_tier_place(view->cache, view->tier, fd, subject->path, &stx,
					       &subject->tier, &subject->tier_why))
		subject->tier_why = NULL;
	return RAWCACHE_REASON_none;
}

static enum rawcache_reason subject_reason(struct subject *subject, int fd,
					   const struct subject_view *view)
{
	enum rawcache_reason reason = place_reason(subject, view);

	if (view->disabled)
		return RAWCACHE_REASON_disabled;
	if (reason)
		return reason;
	return subject->regular ? subject_open_reason(subject, fd, view) :
				  RAWCACHE_REASON_not_regular;
}

/* Open the same file for reading, whatever became of its name. */
static int subject_open(int fd)
{
	char link[FDPATH_BYTES];
	int opened;

	fdpath(link, fd);
	opened = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return opened < 0 ? -errno : opened;
}

int subject_examine(struct subject *subject, const char *name, const struct subject_view *view)
{
	int found = open(name, O_PATH | O_CLOEXEC);
	struct statx stx;
	int fd = -1;
	int err;

	memset(subject, 0, sizeof(*subject));
	if (found < 0)
		return -errno;
	err = subject_look(subject, found, &stx);
	if (!err && subject->regular) {
		fd = subject_open(found);
		err = fd < 0 ? fd : 0;
	}
	if (!err)
		subject->reason = subject_reason(subject, fd, view);
	if (fd >= 0)
		close(fd);
	close(found);
	return err;
}
