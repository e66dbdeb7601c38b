/* SPDX-License-Identifier: MIT */
/*
 * Names of cached files. A key does not tell which file it stands for, so the first store of a file puts a
 * small extent beside it that holds the file's key, size, time and path. `ls` lists these records, and
 * `drop PATH` searches them. A record is an extent like others, and may be recycled before the file's
 * chunks are: such a file is not listed until a process stores some of it again.
 */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "core/space/extent.h"
#include "core/index/catalog.h"
#include "core/origin/file.h"

/* Store the record of a file, once in each process. The path is that of `fd`. */
void name_store(struct rawcache *cache, struct file *file, int fd);

/* The largest size of a record, in whole pages. */
#define NAME_BYTES_MAX (8u << 10)

/* The first step of it: make the record in `buf`. Returns a piece of length 0 if nothing is to be stored. */
struct extent_piece name_make(struct rawcache *cache, struct file *file, int fd, char *buf);

#endif
