/* SPDX-License-Identifier: MIT */
/* Actions on descriptors before and after the kernel's, for the hooks. */
#ifndef SHIM_FD_H
#define SHIM_FD_H

#include <stdbool.h>

#include "base/compiler.h"

#include "shim/table/fdtab.h"

/* Whether it is one of the cache's own descriptors, of which the program does not know. */
bool fd_is_own(int fd);

/*
 * Call when `fd` is about to be closed: its entry is removed, and the handle in it is returned to the
 * caller, who owes an fd_put(). NULL in a process that the table does not describe.
 */
struct handle *fd_take(int fd);
void fd_put(struct handle *taken);

/* fd_take() and fd_put() in one. */
void fd_drop_slow(int fd);
static inline void fd_drop(int fd)
{
	if (unlikely(fdtab_get(fd)))
		fd_drop_slow(fd);
}

/* Like fd_drop(), if the description may live on: its position is first set in the kernel. */
void fd_forget(int fd);

/*
 * Call when the kernel has just returned `fd`: an entry of an earlier descriptor with that number is
 * removed. That there was one is a sign that it was closed unseen. Returns fd.
 */
void fd_new_slow(int fd);
static inline int fd_new(int fd)
{
	if (unlikely(fdtab_get(fd)))
		fd_new_slow(fd);
	return fd;
}

/*
 * Call before `fd` is duplicated. Returns its handle with a reference: owes fd_copied(), with to < 0 if the
 * call failed. A vfork child that duplicates keeps the duplicate through exec, so the position becomes
 * shared, and the result is NULL.
 */
struct handle *fd_hold_copy(int fd);

/* Call when `to` has just become a duplicate of `fd`. */
void fd_copied(int fd, int to, struct handle *held);

/*
 * The kernel is about to use or report the position of `fd`: set it there. Owes fd_return(), which takes
 * the result; NULL for an untracked descriptor. If the thread is cancelled in between, the position stays
 * the kernel's: slower, but right.
 */
struct handle *fd_lend_slow(int fd, struct handle *handle);
void fd_return_slow(struct handle *handle);
static inline struct handle *fd_lend(int fd)
{
	struct handle *handle = fdtab_get(fd);

	return likely(!handle) ? NULL : fd_lend_slow(fd, handle);
}
static inline void fd_return(struct handle *handle)
{
	if (unlikely(handle))
		fd_return_slow(handle);
}

bool fd_is_writer(int fd);

/* From now on others see and move the position of `fd`, and may write to its file without announcing it. */
void fd_share(int fd);

#endif
