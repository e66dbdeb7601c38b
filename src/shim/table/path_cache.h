/* SPDX-License-Identifier: MIT */
/*
 * What was found out about files, so that opening one again needs no readlink() of /proc, which
 * costs two to three times what the open itself does.
 *
 * A file is known by its mount, device, inode, size and both times: the same ones mean the same
 * bytes, so a remembered path may be one that the file has lost (its directory was renamed)
 * and still names the right contents. Where inode numbers are made up and used again (FUSE,
 * network shares of Windows) no path is remembered, only that a file is of no interest, which
 * can cost a hit, but no wrong byte.
 *
 * A table of fixed size, one place a file; sequence-locked, nobody waits.
 */
#ifndef SHIM_PATH_CACHE_H
#define SHIM_PATH_CACHE_H

#include <stdbool.h>

#include "base/paths.h"

#include "shim/libc/pathbuf.h"

struct statx;

/* False: nothing is known. For PATH_INSIDE *buf gets the path. */
bool path_cache_find(const struct statx *stx, enum path_match *match, struct pathbuf *buf);

/* `path` may be NULL unless match is PATH_INSIDE. */
void path_cache_learn(int fd, const struct statx *stx, enum path_match match, const char *path);

#endif
