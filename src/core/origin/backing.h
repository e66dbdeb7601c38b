/* SPDX-License-Identifier: MIT */
/* Block devices that are made of files: which file it is, as /sys tells. */
#ifndef CORE_BACKING_H
#define CORE_BACKING_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

/*
 * Whether another file system may be on the device "major:minor" at the next mount, with all its
 * times, as in a file of an image: loop devices, network and memory disks, and what is made of
 * these. True if that cannot be known.
 */
bool device_is_made(const char *device);

/*
 * The loop device's file: its name goes to `path` (PATH_MAX bytes), where in it the device begins
 * to *offset. Returns a descriptor (O_PATH) that the caller closes, with its attributes; or -1:
 * there is none that is known to be the device's, or it was changed just now.
 */
int backing_open(const char *device, char *path, uint64_t *offset, struct statx *stx);

#endif
