/* SPDX-License-Identifier: MIT */
/*
 * Names of cached files. Keys tell nothing about what they stand for, so the first store of a
 * file puts a small extent beside it that holds the file's key, size, time and path: what `ls`
 * lists and `drop PATH` searches. It is an object like others, and may be recycled before the
 * file's chunks are: such a file is not listed until a process stores some of it again.
 */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "core/space/extent.h"
#include "core/index/catalog.h"
#include "core/origin/file.h"

/* Store the record of a file, once in a process. The path is that of `fd`. */
void name_store(struct rawcache *cache, struct file *file, int fd);

/* The most that a record takes, in whole pages. */
#define NAME_BYTES_MAX (8u << 10)

/* The same in steps: make the record in `buf`; a piece without length when there is nothing to store. */
struct extent_piece name_make(struct rawcache *cache, struct file *file, int fd, char *buf);

#endif
