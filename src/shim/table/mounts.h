/* SPDX-License-Identifier: MIT */
/*
 * Mounts on which no configured directory lies: most programs open most of their files there,
 * and the number of the mount, which statx() tells, is enough to leave them alone.
 *
 * A mount matters if it covers a configured directory or is mounted below one. That is read from
 * /proc/self/mountinfo, without a look at the mounts themselves, which may be slow or dead, and
 * only after a program has opened a number of files: short ones do without. What is learned
 * stays; should mounts be moved about later, a file may be read from the origin that could have
 * been cached.
 */
#ifndef SHIM_MOUNTS_H
#define SHIM_MOUNTS_H

#include <stdbool.h>

struct statx;

/* The regular file `fd` with these attributes lies on such a mount, as far as is known. */
bool mounts_outside(int fd, const struct statx *stx);

#endif
