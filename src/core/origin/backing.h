/* SPDX-License-Identifier: MIT */
/* Block devices that are made of files: which file, as /sys tells. */
#ifndef CORE_BACKING_H
#define CORE_BACKING_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

/*
 * Whether another file system may be on the device "major:minor" at the next mount, with the same times, as
 * in an image file: loop devices, network and memory disks, and devices made of these. Returns true if that
 * cannot be known.
 */
bool device_is_made(const char *device);

/*
 * Open the loop device's file. Its name goes to `path` (PATH_MAX bytes), the offset in it at which the
 * device begins to *offset. Returns a descriptor (O_PATH) that the caller closes, and its attributes; or
 * -1: no file is known to be the device's, or it was changed just now.
 */
int backing_open(const char *device, char *path, uint64_t *offset, struct statx *stx);

#endif
