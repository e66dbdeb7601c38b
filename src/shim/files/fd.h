/* SPDX-License-Identifier: MIT */
/* What hooks do to descriptors before and after the kernel does. */
#ifndef SHIM_FD_H
#define SHIM_FD_H

#include <stdbool.h>

#include "base/compiler.h"

#include "shim/table/fdtab.h"

/* One of the cache's own descriptors, which the program does not know about. */
bool fd_is_own(int fd);

/*
 * `fd` is about to be closed: its entry dies, and what it held is the caller's, who owes
 * fd_put(). NULL in a process that the table does not describe.
 */
struct handle *fd_take(int fd);
void fd_put(struct handle *taken);

/* Both in one. */
void fd_drop_slow(int fd);
static inline void fd_drop(int fd)
{
	if (unlikely(fdtab_get(fd)))
		fd_drop_slow(fd);
}

/* Like fd_drop(), but the description may live on: its position goes to the kernel first. */
void fd_forget(int fd);

/*
 * `fd` has just been returned by the kernel: whatever the number meant is over. That it had an entry
 * is a sign that it was closed unseen. Returns fd.
 */
void fd_new_slow(int fd);
static inline int fd_new(int fd)
{
	if (unlikely(fdtab_get(fd)))
		fd_new_slow(fd);
	return fd;
}

/*
 * What the entry of `fd` holds, with a reference, before `fd` is duplicated: owes fd_copied(),
 * with to < 0 if that failed. A vfork child that duplicates keeps the duplicate through exec, so
 * there the position becomes shared, and the result is NULL.
 */
struct handle *fd_hold_copy(int fd);

/* `to` has just become a duplicate of `fd`. */
void fd_copied(int fd, int to, struct handle *held);

/*
 * The kernel is about to use or show the position of `fd`: settle it. Owes fd_return(), which
 * takes what this returned; NULL for an untracked descriptor. A thread that is cancelled in
 * between leaves the position with the kernel: slower, but right.
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

/* From now on others see and move the position of `fd`, and may write to its file without telling. */
void fd_share(int fd);

#endif
