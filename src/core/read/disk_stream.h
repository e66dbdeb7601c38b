/* SPDX-License-Identifier: MIT */
/*
 * Readers that go through a file which is cached, but lies on the disk only.
 *
 * Chunks that lie side by side are read by pread() alone: the kernel then reads ahead as it does for
 * any file. Copies out of the mapping do not move its window of read-ahead, nor do page faults on pages that are in
 * memory. Where a chunk does not continue its predecessor, the kernel cannot know
 * where the next one lies: such extents are asked for, in a window that doubles.
 *
 * Nothing here must be right: the fields are hints, shared by threads without order.
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
 * Whether a reader that goes through the file and waits for the disk reads this next. The caller holds
 * a reference.
 */
bool disk_stream_is(struct rawcache *cache, struct file *file, const struct want *want);

/* Whether the piece follows, with no more than a chunk between, what was noted of the file last. */
bool disk_stream_in_order(const struct rawcache *cache, const struct file *file,
			  const struct want *want);

/* `length` bytes were read the slow way, or for the first time: it took `ns`. The same. */
void disk_stream_note(struct rawcache *cache, struct file *file, const struct want *want,
		      uint64_t length, uint64_t ns);

#endif
