/* SPDX-License-Identifier: MIT */
/*
 * Names of cached files. Keys tell nothing about what they stand for, so the first store of a
 * file puts a small extent beside it that holds the file's key, size, time and path: what `ls`
 * lists and `drop PATH` searches. It is an object like others, and may be recycled before the
 * file's chunks are: such a file is not listed until a process stores some of it again.
 */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "core/extent.h"
#include "core/file.h"

#define NAME_MAGIC "RCNAME\0\1"
/* The 32 bits of a name's key that its index entry holds beside the tag: the walk looks there. */
#define NAME_TAG 0x454d414eu

/* On the image; the path follows, without an end. */
struct name_record {
	uint8_t magic[8];
	uint64_t key_low, key_high; /* of the file */
	uint64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t path_bytes;
};
static_assert(sizeof(struct name_record) == 48, "name_record");

/*
 * Whether an extent is the name of a file of which something will stay when the extent's region is
 * recycled: it was visited, or lies elsewhere in the main log.
 */
struct found;
bool name_wanted(struct rawcache *cache, const struct key *key, const struct found *found);

/* Once for each file in a process. `fd` tells its path. */
void name_store(struct rawcache *cache, struct file *file, int fd);

/* The most that a record takes, in whole pages. */
#define NAME_BYTES_MAX (8u << 10)

/* The same in steps: make the record in `buf`; a piece without length when there is nothing to store. */
struct extent_piece name_make(struct rawcache *cache, struct file *file, int fd, char *buf);

#endif
