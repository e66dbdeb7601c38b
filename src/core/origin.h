/* SPDX-License-Identifier: MIT */
/*
 * Which file system a file lies on, in terms that survive a reboot and a new mount: type,
 * source, root and mount point from /proc/self/mountinfo. Device numbers do not survive, and
 * two containers may mount different things at one path. Of file systems that are made as a whole
 * (squashfs, ...) those say too little: see "What makes a file the same file" in docs/design.md.
 */
#ifndef CORE_ORIGIN_H
#define CORE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

struct origin {
	uint64_t id[2];
	bool unstable_inodes; /* FUSE: numbers are made up at each mount */
	bool special; /* contents are made up by the kernel, or nothing tells them from others */
	bool packed; /* made as a whole, times included */
};

/* What is known of the mount that `fd` with attributes `stx` lies on. Cached; thread-safe. */
void origin_of(int fd, const struct statx *stx, struct origin *origin);

void origin_fork_prepare(void);
void origin_fork_release(void);

#endif
