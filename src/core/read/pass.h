/* SPDX-License-Identifier: MIT */
/*
 * The first pass of a process through a file, in order. Programs that read each byte once must not have
 * more memory of it than those that read a local file. So pieces of 32 KiB and more are read by system
 * calls, which are as fast as for a local file; smaller ones are read out of the page tables, and the pages
 * behind the reader are given back. A second pass keeps them. A threshold that was set
 * (RAWCACHE_MMAP_THRESHOLD) is obeyed instead. All of these are hints. The caller holds a reference of the
 * file.
 */
#ifndef CORE_PASS_H
#define CORE_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/file.h"

struct want;

/* Whether the piece belongs to a pass in order, be it the first or not. */
bool pass_reads(const struct rawcache *cache, const struct file *file, const struct want *want);

/* Whether a piece of such a pass is better read by a system call; `resident` of its chunk was seen. */
bool pass_keeps_out(const struct want *want, uint64_t resident);

/* Note that a chunk at `place` was put into the page tables for such a pass; `resident` was seen before. */
void pass_mapped(struct rawcache *cache, struct file *file, uint64_t number, uint64_t place,
		 uint64_t resident);

#endif
