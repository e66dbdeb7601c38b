/* SPDX-License-Identifier: MIT */
/*
 * Decides which descriptors are tracked, and keeps what is known of their files fresh. The kernel has
 * already opened the file for the caller: permissions, symbolic links, relative paths and chroot are its
 * business. /proc/self/fd tells the canonical path.
 */
#ifndef SHIM_TRACK_H
#define SHIM_TRACK_H

#include <stdbool.h>

#include <rawcache/rawcache.h>

#include "shim/table/attach.h"
#include "shim/files/fd.h"
#include "shim/table/handle.h"

/* Call when the kernel has just opened `fd` with open flags `flags`. Returns fd. */
int track_opened_slow(int fd, int flags, bool shared);
static inline int track_opened(int fd, int flags)
{
	return likely(!attach_active) || fd < 0 ? fd : track_opened_slow(fd, flags, false);
}

/* The same for a stream: libc moves the position too, so the kernel keeps it. */
static inline int track_stream(int fd, int flags)
{
	return likely(!attach_active) || fd < 0 ? fd : track_opened_slow(fd, flags, true);
}

/* Examine an inherited descriptor at its first use. Returns its handle, or NULL if it is not tracked. */
struct handle *track_adopt(int fd);

/* The handle of `fd`, which is adopted if needed, or NULL. */
static inline __attribute__((always_inline)) struct handle *track_get(int fd)
{
	struct handle *handle = fdtab_get(fd);

	return unlikely(handle == FDTAB_ADOPT) ? track_adopt(fd) : handle;
}

/*
 * The handle of `fd`, which is about to be written to, or NULL. In a process with a sign (sign.h) it is
 * checked which file the number means now.
 */
struct handle *track_writer(int fd);

/* Whether `fd` has a path in a configured directory. */
bool track_path_inside(int fd);

/* Mark the descriptors that were inherited through exec. For the constructor. */
void track_inherited(void);

/* `fd` came from another process: writes through it must be announced. Keeps errno. */
void track_received(int fd);

/* Look at the file again. False: reads of it must go to the kernel now, for the reason in handle->reason. */
bool track_revalidate(struct handle *handle, int fd);

#endif
