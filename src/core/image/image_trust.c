/* SPDX-License-Identifier: MIT */
/* Whether the bytes of the image are trusted: by its owner and by who may write it. */
#include "core/image/image_trust.h"

#include <errno.h>

#include "base/sys.h"
#include "core/image/image.h"

/*
 * Whether `rawcache format --shared` made it, as root or as this user: see shared_mark() in format_image.c.
 */
static bool image_marked(int fd, const struct statx *stx)
{
	return S_ISREG(stx->stx_mode) && (stx->stx_mode & S_ISVTX) &&
	       (!stx->stx_uid || sys_fd_is_ours(fd, stx));
}

/*
 * Groups of people have numbers from here on (GID_MIN of login.defs); lower ones belong to the system, like
 * `disk`.
 */
#define PEOPLE_GROUPS 1000u

/* Whether users other than the owner may write the file, and so choose what its readers read. */
static bool image_writable(const struct statx *stx)
{
	if (!S_ISBLK(stx->stx_mode))
		return stx->stx_mode & 0022;
	/* members of the disk group own the machine anyway; members of a user's group do not */
	return stx->stx_mode & 0002 || (stx->stx_mode & 0020 && stx->stx_gid >= PEOPLE_GROUPS);
}

/* Why no byte of the file may be trusted, or NULL. Root is no exception. */
static const char *image_distrust(int fd, const struct statx *stx)
{
	if (image_writable(stx))
		return image_marked(fd, stx) ? NULL :
					       "other users may write it (chmod go-w it, or set "
					       "RAWCACHE_SHARED=1)";
	if (stx->stx_uid && !sys_fd_is_ours(fd, stx))
		return "it belongs to another user (set RAWCACHE_SHARED=1 to use it all the same)";
	return NULL;
}

int image_trust(struct image *image, bool allow_shared, const char **why,
		enum rawcache_reason *reason)
{
	const char *distrust;
	struct statx stx;
	int err = sys_fstatx(image->fd, &stx);

	*reason = RAWCACHE_REASON_image_refused;
	if (err)
		return err;
	if (!S_ISREG(stx.stx_mode) && !S_ISBLK(stx.stx_mode)) {
		*why = "it is neither a regular file nor a block device";
		return -EINVAL;
	}
	image->block_device = S_ISBLK(stx.stx_mode);
	image->owner = stx.stx_uid;
	image->group = stx.stx_gid;
	image->mode = stx.stx_mode & 0777;
	image->inode = stx.stx_ino;
	image->device = sys_device(&stx);
	distrust = allow_shared ? NULL : image_distrust(image->fd, &stx);
	if (distrust)
		*why = distrust;
	return distrust ? -EPERM : 0;
}
