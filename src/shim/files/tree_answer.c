/* SPDX-License-Identifier: MIT */
/* Attributes, rights and links of frozen trees. */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <string.h>

#include "base/guard.h"
#include "base/stats.h"

#define MASK_KNOWN (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE)

/* The kernel reports errors of arguments first: a call that it would refuse is left to it. */
#define STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)
#define STATX_FLAGS (STAT_FLAGS | AT_STATX_DONT_SYNC)
#define ACCESS_MODES (R_OK | W_OK | X_OK)
#define ACCESS_FLAGS (AT_EACCESS | AT_SYMLINK_NOFOLLOW)

static struct timespec stat_time(const struct frozen_time *time)
{
	return (struct timespec){ .tv_sec = time->sec, .tv_nsec = time->nsec };
}

static void stat_fill(const struct tree *tree, const struct frozen_node *node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = gnu_dev_makedev(tree->mount.stx_dev_major, tree->mount.stx_dev_minor);
	st->st_ino = node->ino;
	st->st_mode = node->mode;
	st->st_nlink = node->nlink;
	st->st_uid = node->uid;
	st->st_gid = node->gid;
	st->st_rdev = gnu_dev_makedev(node->rdev_major, node->rdev_minor);
	st->st_size = (off_t)node->size;
	st->st_blksize = (blksize_t)node->blksize;
	st->st_blocks = (blkcnt_t)node->blocks;
	st->st_atim = stat_time(&node->atime);
	st->st_mtim = stat_time(&node->mtime);
	st->st_ctim = stat_time(&node->ctime);
}

static void statx_fill(const struct tree *tree, const struct frozen_node *node, unsigned int mask,
		       struct statx *stx)
{
	frozen_attributes(node, stx);
	stx->stx_dev_major = tree->mount.stx_dev_major;
	stx->stx_dev_minor = tree->mount.stx_dev_minor;
	if (mask & STATX_MNT_ID_UNIQUE && tree->mount.stx_mask & STATX_MNT_ID_UNIQUE) {
		stx->stx_mask |= STATX_MNT_ID_UNIQUE;
		stx->stx_mnt_id = tree->mount.stx_mnt_id;
	} else {
		stx->stx_mask |= STATX_MNT_ID;
		stx->stx_mnt_id = tree->mount_short;
	}
}

static bool answer_absent(void)
{
	stats_add(frozen_names, 1);
	errno = ENOENT;
	return true;
}

/* Copy the answer to the program, whose pointer may be bad. */
static bool answer_copy(void *to, const void *from, size_t n, int *ret)
{
	*ret = 0;
	stats_add(frozen_names, 1);
	if (guard_copy(to, from, n)) {
		errno = EFAULT;
		*ret = -1;
	}
	return true;
}

/* Where the program wants the attributes. */
struct attributes {
	void *to; /* struct statx if `extended`, else struct stat */
	bool extended;
	unsigned int mask; /* if `extended` */
};

static void attributes_copy(const struct tree_look *look, const struct attributes *wanted, int *ret)
{
	const struct frozen_node *node = &look->walk.node;
	struct statx stx;
	struct stat st;

	if (wanted->extended) {
		statx_fill(look->tree, node, wanted->mask, &stx);
		answer_copy(wanted->to, &stx, sizeof(stx), ret);
	} else {
		stat_fill(look->tree, node, &st);
		answer_copy(wanted->to, &st, sizeof(st), ret);
	}
}

static bool attributes_answer(int dir, const char *path, int flags, const struct attributes *wanted,
			      int *ret)
{
	enum frozen_found found;
	struct tree_look look;

	if (!tree_enter(path))
		return false;
	found = tree_look(&look, dir, path, flags & AT_SYMLINK_NOFOLLOW);
	*ret = -1;
	if (found == FROZEN_ABSENT)
		answer_absent();
	if (found == FROZEN_IS)
		attributes_copy(&look, wanted, ret);
	tree_look_end(&look);
	thread_leave();
	return found != FROZEN_ASK;
}

bool tree_stat_slow(int dir, const char *path, int flags, struct stat *st, int *ret)
{
	const struct attributes wanted = { .to = st };

	return !(flags & ~STAT_FLAGS) && attributes_answer(dir, path, flags, &wanted, ret);
}

bool tree_statx_slow(int dir, const char *path, int flags, unsigned int mask, struct statx *stx,
		     int *ret)
{
	const struct attributes wanted = { .to = stx, .extended = true, .mask = mask };

	return !(flags & ~STATX_FLAGS) && !(mask & ~MASK_KNOWN) &&
	       attributes_answer(dir, path, flags, &wanted, ret);
}

/* The record knows only what was allowed when it was made: modes are not evaluated. */
static bool access_known(const struct tree_look *look, int mode, int flags)
{
	uint32_t had = look->walk.node.flags;

	return (flags & AT_EACCESS || look->who.plain) && !(mode & W_OK) &&
	       (!(mode & R_OK) || had & FROZEN_READABLE) &&
	       (!(mode & X_OK) || had & FROZEN_RUNNABLE);
}

bool tree_access_slow(int dir, const char *path, int mode, int flags, int *ret)
{
	enum frozen_found found;
	struct tree_look look;
	bool done = false;

	if (mode & ~ACCESS_MODES || flags & ~ACCESS_FLAGS || !tree_enter(path))
		return false;
	found = tree_look(&look, dir, path, flags & AT_SYMLINK_NOFOLLOW);
	*ret = -1;
	if (found == FROZEN_ABSENT && (flags & AT_EACCESS || look.who.plain))
		done = answer_absent();
	if (found == FROZEN_IS && access_known(&look, mode, flags)) {
		stats_add(frozen_names, 1);
		*ret = 0;
		done = true;
	}
	tree_look_end(&look);
	thread_leave();
	return done;
}

static bool link_answer(const struct tree_look *look, char *buf, size_t n, ssize_t *ret)
{
	const struct frozen_node *node = &look->walk.node;
	struct pathbuf *text = look->other;
	int err;

	if (!S_ISLNK(node->mode)) {
		stats_add(frozen_names, 1);
		errno = EINVAL;
		return true;
	}
	if (!frozen_text(&look->tree->frozen, node->link, node->link_length, text->path,
			 sizeof(text->path)))
		return false;
	n = n < node->link_length ? n : node->link_length;
	if (answer_copy(buf, text->path, n, &err) && !err)
		*ret = (ssize_t)n;
	return true;
}

bool tree_readlink_slow(int dir, const char *path, char *buf, size_t n, ssize_t *ret)
{
	enum frozen_found found;
	struct tree_look look;
	bool done = false;

	if ((int)n <= 0 || !tree_enter(path))
		return false;
	found = tree_look(&look, dir, path, true);
	*ret = -1;
	if (found == FROZEN_ABSENT)
		done = answer_absent();
	if (found == FROZEN_IS)
		done = link_answer(&look, buf, n, ret);
	tree_look_end(&look);
	thread_leave();
	return done;
}

/* The kernel has returned the attributes of the memory file. */
static bool node_of(const struct handle *handle, uint64_t inode, uint64_t device,
		    struct frozen_node *node)
{
	return handle->frozen && inode == handle->stx.stx_ino &&
	       device == sys_device(&handle->stx) &&
	       frozen_node_any(&trees[handle->tree].frozen, handle->frozen - 1, node);
}

void tree_fstat(const struct handle *handle, struct stat *st)
{
	uint64_t device = (uint64_t)gnu_dev_major(st->st_dev) << 32 | gnu_dev_minor(st->st_dev);
	struct frozen_node node;

	if (node_of(handle, st->st_ino, device, &node))
		stat_fill(&trees[handle->tree], &node, st);
}

void tree_fstatx(const struct handle *handle, unsigned int mask, struct statx *stx)
{
	struct frozen_node node;

	if (node_of(handle, stx->stx_ino, sys_device(stx), &node))
		statx_fill(&trees[handle->tree], &node, mask, stx);
}
