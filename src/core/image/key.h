/* SPDX-License-Identifier: MIT */
/*
 * Keys: 128-bit keyed hashes (XXH3). The tag of an index entry holds the low half and 32 bits of the high
 * half; the rest of the high half chooses the bucket. So all bits are compared.
 */
#ifndef CORE_KEY_H
#define CORE_KEY_H

#include <stdint.h>

#include "core/image/format.h"

struct key {
	uint64_t low, high;
};

/* What identifies a file. All of it goes into the key. */
struct identity {
	const char *path;   /* canonical */
	uint64_t origin[2]; /* of the file system: see origin.h */
	uint64_t inode;	    /* 0 where the file system's inodes are unstable */
	uint64_t subvolume; /* 0: the file system has no subvolumes */
	uint64_t size;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint8_t look; /* enum origin_look: how its server is asked; not part of the key */
};

struct key key_of_file(const struct superblock *sb, const struct identity *identity);

/*
 * Two chunks share a bucket, and the next two share the bucket behind it: a reader that goes through a file
 * also goes through the index in order. Chunk numbers from 2^63 on (parts, names) have buckets anywhere.
 */
struct key key_of_chunk(const struct superblock *sb, const struct key *file, uint64_t chunk);

/* The key of bytes that a program chose (the object API). */
struct key key_of_bytes(const struct superblock *sb, const void *bytes, uint64_t n);

static inline uint32_t key_bucket(const struct key *key, uint32_t bucket_count)
{
	return (uint32_t)(((key->high >> 32) * bucket_count) >> 32);
}

#endif
