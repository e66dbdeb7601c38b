/* SPDX-License-Identifier: MIT */
/*
 * Keys: 128-bit keyed hashes (XXH3). The low half and 32 bits of the high half are the tag of
 * an index entry, the rest of the high half chooses its bucket, so that all bits are compared.
 */
#ifndef CORE_KEY_H
#define CORE_KEY_H

#include <stdint.h>

#include "core/image/format.h"

struct key {
	uint64_t low, high;
};

/* What makes a file the same file. All of it goes into the key. */
struct identity {
	const char *path;   /* canonical */
	uint64_t origin[2]; /* of the file system: see origin.h */
	uint64_t inode;	    /* 0 where the file system's inodes are unstable */
	uint64_t subvolume; /* 0: the file system has none */
	uint64_t size;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint8_t look; /* enum origin_look: how its server is asked; not in the key */
};

struct key key_of_file(const struct superblock *sb, const struct identity *identity);

/*
 * Two chunks share a bucket, and the next two have the one behind it: a reader that goes through a file goes
 * through the index, too. Chunk numbers from 2^63 on (parts, names) have buckets anywhere.
 */
struct key key_of_chunk(const struct superblock *sb, const struct key *file, uint64_t chunk);

/* Key of bytes a program chose (the C API). */
struct key key_of_bytes(const struct superblock *sb, const void *bytes, uint64_t n);

static inline uint32_t key_bucket(const struct key *key, uint32_t bucket_count)
{
	return (uint32_t)(((key->high >> 32) * bucket_count) >> 32);
}

#endif
