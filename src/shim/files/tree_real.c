/* SPDX-License-Identifier: MIT */
/*
 * Replaces the memory file of a frozen file by the real file, which is opened and put over the descriptor
 * numbers. If it is another file by then, or missing, the promised bytes stay, and the tree is thawed.
 */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>

#include <rawcache/embed.h>

#include "base/record_locks.h"
#include "base/stats.h"

#include "shim/files/fd.h"
#include "shim/files/track.h"
#include "shim/table/process.h"

#define FLAGS_KEPT (O_NONBLOCK | O_LARGEFILE)

static bool real_same(const struct tree *tree, const struct frozen_node *node, int fd)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) && sys_device(&stx) == sys_device(&tree->mount) &&
	       frozen_same(node, &stx);
}

/* Open the real file. Returns a descriptor or -errno. */
static int real_open(struct tree *tree, uint32_t number, int flags)
{
	struct pathbuf *buf = pathbuf_get();
	struct frozen_node node;
	int fd = -ENOMEM;

	if (!buf)
		return fd;
	fd = -EIO;
	if (frozen_node_any(&tree->frozen, number, &node) &&
	    frozen_path(&tree->frozen, number, buf->path, sizeof(buf->path)))
		fd = sys_openat(AT_FDCWD, buf->path,
				O_RDONLY | O_CLOEXEC | O_NOCTTY | (flags & FLAGS_KEPT), 0);
	pathbuf_put(buf);
	if (fd >= 0 && !real_same(tree, &node, fd)) {
		sys_close(fd);
		fd = -ESTALE;
	}
	/* a change by a program under the shim would have touched the record */
	if ((fd == -ESTALE || fd == -ENOENT) &&
	    !frozen_touched(&tree->frozen, number, FROZEN_WHOLE))
		tree_wrong(tree);
	return fd;
}

static bool handle_is(struct handle *handle, const void *wanted)
{
	return handle == wanted;
}

/* Put `real` over all numbers that the handle has. */
static void numbers_replace(struct handle *handle, int real)
{
	int fd;

	while ((fd = fdtab_find(handle_is, handle)) >= 0) {
		struct handle *held = fd_hold_copy(real);
		int flags = sys_fcntl(fd, F_GETFD, 0);

		flags = flags > 0 && flags & FD_CLOEXEC ? O_CLOEXEC : 0;
		if (fdtab_get(fd) == handle)
			SYS_CALL(SYS_dup3, real, fd, flags, 0, 0, 0);
		fd_copied(real, fd, held);
		if (fdtab_get(fd) == handle)
			break;
	}
}

/* Keep the memory file, and do not try again. */
static void handle_keep(struct handle *handle)
{
	store_relaxed(&handle->look_wait_ms, 0);
}

static bool handle_kept(const struct handle *handle)
{
	return !load_relaxed(&handle->look_wait_ms);
}

static bool handle_is_of(struct handle *handle, const void *stx)
{
	return !handle->frozen && sys_device(&handle->stx) == sys_device(stx) &&
	       handle->stx.stx_ino == ((const struct statx *)stx)->stx_ino;
}

/* Whether the program has the real file open already: only then it can have locks on it. */
static bool real_is_open(int real)
{
	struct statx stx;

	return !sys_fstatx(real, &stx) && fdtab_find(handle_is_of, &stx) >= 0;
}

void tree_real_slow(int fd)
{
	struct handle *handle = fdtab_get(fd);
	int saved = errno;
	bool open_before;
	int64_t at;
	int real;

	if (!fdtab_is_handle(handle) || !handle->frozen || thread_is_foreign() ||
	    handle_kept(handle) || !handle_hold(handle))
		return;
	real = real_open(&trees[handle->tree], handle->frozen - 1, sys_fcntl(fd, F_GETFL, 0));
	if (real >= 0) {
		stats_add(opens_late, 1);
		open_before = real_is_open(real);
		track_opened_slow(real, O_RDONLY, true);
		at = sys_lseek(fd, 0, SEEK_CUR);
		sys_lseek(real, at > 0 ? at : 0, SEEK_SET);
		numbers_replace(handle, real);
		fd_drop(real);
		if (open_before)
			record_locks_close(real);
		else
			sys_close(real);
	} else {
		handle_keep(handle);
	}
	handle_release(handle);
	errno = saved;
}

void tree_real_beside(int fd, int out)
{
	const struct handle *handle = fdtab_get(fd);
	struct statx stx;

	if (fdtab_is_handle(handle) && handle->frozen && !sys_fstatx(out, &stx) &&
	    sys_device(&stx) == sys_device(&trees[handle->tree].mount))
		tree_real_slow(fd);
}

static void real_each(int fd, struct handle *handle)
{
	if (fdtab_is_handle(handle) && handle->frozen)
		tree_real_slow(fd);
}

static void real_inherited(int fd, struct handle *handle)
{
	int flags;

	if (!fdtab_is_handle(handle) || !handle->frozen)
		return;
	flags = sys_fcntl(fd, F_GETFD, 0);
	if (flags >= 0 && !(flags & FD_CLOEXEC))
		tree_real_slow(fd);
}

/* Memory files of a tree that can be replaced: of one node, or of all names of an inode. */
struct wanted {
	uint32_t tree;
	uint32_t number; /* FROZEN_NONE: search by the inode */
	uint64_t ino;
};

static bool handle_wanted(struct handle *handle, const void *arg)
{
	const struct wanted *wanted = arg;
	struct frozen_node node;

	if (!handle->frozen || handle->tree != wanted->tree || handle_kept(handle))
		return false;
	if (wanted->number != FROZEN_NONE)
		return handle->frozen - 1 == wanted->number;
	return frozen_node_any(&trees[wanted->tree].frozen, handle->frozen - 1, &node) &&
	       node.ino == wanted->ino;
}

static void real_wanted(const struct wanted *wanted)
{
	int fd;

	/* a file that cannot be opened is kept, and so not found again */
	while (load_relaxed(&handle_frozen) && (fd = fdtab_find(handle_wanted, wanted)) >= 0)
		tree_real_slow(fd);
}

void tree_real_file(uint32_t tree, uint32_t number)
{
	real_wanted(&(struct wanted){ .tree = tree, .number = number });
}

void tree_real_inode(uint32_t tree, uint64_t ino)
{
	real_wanted(&(struct wanted){ .tree = tree, .number = FROZEN_NONE, .ino = ino });
}

bool tree_others_run(void)
{
	struct statx stx;

	if (__libc_single_threaded)
		return false;
	/* two links of the directory's own, and one for each thread */
	return sys_statx(AT_FDCWD, "/proc/self/task", 0, STATX_NLINK, &stx) ||
	       stx.stx_nlink > 3 + rawcache_helper_threads();
}

static void keep_each(int fd, struct handle *handle)
{
	(void)fd;
	if (fdtab_is_handle(handle) && handle->frozen)
		handle_keep(handle);
}

/*
 * A thread that reads while the position is taken over would get bytes twice. So a file that others may
 * read stays a memory file for good: a child that inherits it shares the position.
 */
void tree_real_all(bool all)
{
	if (!load_relaxed(&handle_frozen) || process_is_foreign())
		return;
	if (tree_others_run())
		fdtab_each(0, FDTAB_LIMIT, keep_each);
	else
		fdtab_each(0, FDTAB_LIMIT, all ? real_each : real_inherited);
}
