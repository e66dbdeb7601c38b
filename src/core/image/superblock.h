/* SPDX-License-Identifier: MIT */
/* The two superblocks. Decoding accepts any bytes as input; writing alternates between the two copies. */
#ifndef CORE_SUPERBLOCK_H
#define CORE_SUPERBLOCK_H

#include <stdbool.h>

#include "core/image/format.h"

/*
 * Check one superblock in the order magic, version, checksum, values. Returns 0; -EINVAL: not ours or
 * damaged; -EPROTONOSUPPORT: newer than this library. *why gets static text.
 */
int superblock_decode(const struct superblock *raw, uint64_t device_bytes, const char **why);

/*
 * Read both copies and take the valid one with the higher sequence. An intact copy of a newer version also
 * decides if its sequence is higher. Errors as above, or -errno.
 */
int superblock_read(int fd, uint64_t device_bytes, struct superblock *sb, const char **why);

/* Whether both copies are valid. If one is damaged, the other may not be the newest. */
bool superblock_both_valid(int fd, uint64_t device_bytes);

/* Give `sb` the next sequence, write it over the older copy and flush it to the disk. */
int superblock_write(int fd, struct superblock *sb);

/* Work out the layout for `bytes`; fills the geometry fields. -EINVAL: does not fit. */
int superblock_layout(struct superblock *sb, uint64_t bytes, uint32_t region_bytes,
		      uint32_t chunk_bytes, uint32_t object_bytes);

#endif
