/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include <rawcache/embed.h>

#include "shim/files/fd.h"

#include "base/sys.h"

#include "shim/table/attach.h"
#include "shim/table/handle.h"
#include "shim/table/process.h"
#include "shim/libc/thread.h"
#include "shim/files/track.h"
#include "shim/table/watch.h"

bool fd_is_own(int fd)
{
	return attach_cache_now() && rawcache_owns_fd(fd);
}

struct handle *fd_take(int fd)
{
	struct handle *taken;

	if (!fdtab_get(fd) || process_is_foreign())
		return NULL;
	taken = fdtab_swap(fd, NULL);
	if (fdtab_is_handle(taken))
		position_quiesce(&taken->position);
	return taken;
}

void fd_put(struct handle *taken)
{
	if (fdtab_is_handle(taken))
		handle_release(taken);
}

void fd_drop_slow(int fd)
{
	fd_put(fd_take(fd));
}

void fd_new_slow(int fd)
{
	struct handle *taken = fd_take(fd);

	if (fdtab_is_handle(taken))
		past_begin(SIGN_NUMBER);
	fd_put(taken);
}

void fd_forget(int fd)
{
	struct handle *handle = fd_lend(fd);

	fd_return(handle);
	fd_drop(fd);
}

struct handle *fd_hold_copy(int fd)
{
	struct handle *handle = fdtab_get(fd);

	if (likely(!handle))
		return NULL;
	if (process_is_foreign()) {
		fd_share(fd);
		return NULL;
	}
	/* the sentinel is not copied: it would be seen again when another file has the number */
	if (!fdtab_is_handle(handle))
		handle = track_adopt(fd);
	if (!handle || !handle_hold(handle))
		return NULL;
	if (fdtab_get(fd) == handle)
		return handle;
	handle_release(handle);
	return NULL;
}

void fd_copied(int fd, int to, struct handle *held)
{
	if (to >= 0)
		fd_drop(to);
	if (!held)
		return;
	/* libc may read it as stdin, or write to it */
	if (to >= 0 && to <= STDERR_FILENO && fdtab_is_handle(held)) {
		position_share(&held->position, fd);
		handle_write(held, fd);
	}
	/* the entry of `fd` is unchanged: the kernel duplicated what the handle describes */
	if (to >= 0 && fdtab_get(fd) == held) {
		if (!fdtab_reserve(to)) {
			held = fdtab_swap(to, held);
		} else if (fdtab_is_handle(held)) {
			rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_large_fd);
			position_share(&held->position, fd);
			handle_write(held, fd);
		}
	}
	fd_put(held);
}

struct handle *fd_lend_slow(int fd, struct handle *handle)
{
	if (!fdtab_is_handle(handle) || thread_is_foreign())
		return NULL;
	position_lend(&handle->position, fd);
	past_settle();
	return handle;
}

void fd_return_slow(struct handle *handle)
{
	position_return(&handle->position);
}

bool fd_is_writer(int fd)
{
	struct handle *handle = fdtab_get(fd);

	return fdtab_is_handle(handle) && handle_is_writer(handle);
}

/*
 * In a vfork child: whether the number still means what it means in the parent. Where kcmp() must not be
 * used, whether it is the same file.
 */
static bool foreign_same(int fd, const struct handle *handle)
{
	struct statx stx;
	long order = SYS_CALL(__NR_kcmp, sys_getpid(), SYS_CALL(__NR_getppid, 0, 0, 0, 0, 0, 0),
			      0 /* KCMP_FILE */, fd, fd, 0);

	if (order >= 0)
		return !order;
	return !sys_fstatx(fd, &stx) && stx.stx_ino == handle->stx.stx_ino &&
	       stx.stx_dev_major == handle->stx.stx_dev_major &&
	       stx.stx_dev_minor == handle->stx.stx_dev_minor;
}

void fd_share(int fd)
{
	struct handle *handle = fdtab_get(fd);

	if (likely(!fdtab_is_handle(handle)))
		return;
	/* other threads of the parent run on: their position must not be set on a file of the child's */
	if (thread_is_foreign() && !foreign_same(fd, handle))
		return;
	position_share(&handle->position, fd);
	handle_write(handle, fd);
}
