/* SPDX-License-Identifier: MIT */
/*
 * What was found out about files, so that opening one again needs no readlink() in /proc, which costs two
 * to three times as much as the open itself. A file is known by its mount, device, inode, size and both
 * times: if all are the same, so are the bytes. A remembered path may be one that the file does not have
 * any more (its directory was renamed), and still identifies the right contents. If inode numbers are made
 * up and reused (FUSE, network shares of Windows), no path is remembered, only that a file does not matter,
 * which can cost a hit, but no wrong byte. The table has a fixed size, one place a file, with sequence
 * locks: nobody waits.
 */
#ifndef SHIM_PATH_CACHE_H
#define SHIM_PATH_CACHE_H

#include <stdbool.h>

#include "base/paths.h"

#include "shim/libc/pathbuf.h"

struct statx;

/* False: nothing is known. With PATH_INSIDE, *buf gets the path. */
bool path_cache_find(const struct statx *stx, enum path_match *match, struct pathbuf *buf);

/* `path` may be NULL unless match is PATH_INSIDE. */
void path_cache_learn(int fd, const struct statx *stx, enum path_match match, const char *path);

#endif
