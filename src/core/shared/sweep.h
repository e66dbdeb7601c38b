/* SPDX-License-Identifier: MIT */
/*
 * Segments whose image is gone: they take memory until the next boot, and batch jobs that make and delete
 * an image each leave one every time. Each segment says where its image was; a process that attaches
 * looks at those in the same directory.
 *
 * A segment is removed only if all of this is so:
 *  - it belongs to this user;
 *  - it was made in the mount namespace and below the root directory that we have, where its path means the same;
 *  - at that path there is another file than its image, or none, on the file system that the image was on:
 *    one that was unmounted is not gone;
 *  - nobody has a slot of it, nor can take one until it is removed;
 *  - it is not all that knows of a loss on the image's disk (epoch 0).
 * Segments of block devices stay: their users may be in containers that are not seen from here.
 */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include "core/image/image.h"
#include "core/shared/runtime.h"

/* Record in a new segment where its image is. */
void sweep_home(struct runtime_home *home, const struct image *image);

/*
 * Remove leftover segments in `dir` (NULL: /dev/shm). Errors are ignored. For any thread; takes
 * microseconds for each segment.
 */
void sweep_dir(const char *dir);

/* The same when attaching to a segment; takes no more than a small share of the time. */
void sweep_now_and_then(struct runtime *runtime, const char *dir);

#endif
