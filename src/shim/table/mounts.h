/* SPDX-License-Identifier: MIT */
/*
 * Mounts on which no configured directory lies. Most programs open most of their files there, and the
 * number of the mount, which statx() returns, is enough to ignore them. A mount matters if it contains a
 * configured directory or is mounted below one. That is read from /proc/self/mountinfo, without touching
 * the mounts themselves, which may be slow or dead, and only after a program has opened a number of files:
 * short programs do without. What is learned stays; if mounts are moved later, a file that could have been
 * cached may be read from the origin.
 */
#ifndef SHIM_MOUNTS_H
#define SHIM_MOUNTS_H

#include <stdbool.h>

struct statx;

/* Whether the regular file `fd` with these attributes lies on such a mount, as far as is known. */
bool mounts_outside(int fd, const struct statx *stx);

#endif
