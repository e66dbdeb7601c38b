/* SPDX-License-Identifier: MIT */
/*
 * Readers that go through a file which is cached, but on the disk only. Chunks that lie side by side are
 * read by pread() alone: the kernel then reads ahead as for any file. Copies out of the mapping do not move
 * its read-ahead window, nor do page faults on pages that are in memory. If a chunk does not continue its
 * predecessor, the kernel cannot know where the next one lies: such extents are asked for, in a window that
 * doubles. No result depends on the fields: they are hints, which threads share without order.
 */
#ifndef CORE_DISK_STREAM_H
#define CORE_DISK_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/reader.h"

struct rawcache;
struct file;
struct want;

/*
 * Whether this piece is read by a reader that goes through the file and waits for the disk. The caller
 * holds a reference.
 */
bool disk_stream_is(struct rawcache *cache, struct file *file, const struct want *want);

/* Whether the piece follows the last noted read of the file, with at most a chunk between. */
bool disk_stream_in_order(const struct rawcache *cache, const struct file *file,
			  const struct want *want);

/*
 * Note that `length` bytes were read by a system call or for the first time, in `ns`. The caller holds a
 * reference.
 */
void disk_stream_note(struct rawcache *cache, struct file *file, const struct want *want,
		      uint64_t length, uint64_t ns);

#endif
