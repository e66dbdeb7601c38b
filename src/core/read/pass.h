/* SPDX-License-Identifier: MIT */
/*
 * The first pass of a process through a file, in order. Programs that read each byte once are to have no
 * more memory of it than those that read a local file: pieces of 32 KiB and more come by system calls, which are as
 * fast as a local file's; small ones out of the page tables, and what lies behind is given back. A second pass
 * is kept. A threshold that was set (RAWCACHE_MMAP_THRESHOLD) is obeyed instead.
 *
 * All of it are hints. The caller holds a reference of the file.
 */
#ifndef CORE_PASS_H
#define CORE_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/file.h"

struct want;

/* Whether the piece is part of a pass in order, the first or not. */
bool pass_reads(const struct rawcache *cache, const struct file *file, const struct want *want);

/* Whether a piece of one, of a chunk of which `resident` was seen, is better read by a system call. */
bool pass_aside(const struct want *want, uint64_t resident);

/* A chunk at `place`, of which `resident` was seen, came into the page tables for one. */
void pass_mapped(struct rawcache *cache, struct file *file, uint64_t number, uint64_t place,
		 uint64_t resident);

#endif
