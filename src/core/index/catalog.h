/* SPDX-License-Identifier: MIT */
/*
 * The cached files, by the records that fill/name.h stores beside their chunks. `ls` lists them, `drop
 * PATH` searches them, and eviction asks for them before it drops a record.
 */
#ifndef CORE_CATALOG_H
#define CORE_CATALOG_H

#include "core/index/index.h"

#define NAME_MAGIC "RCNAME\0\1"
/*
 * The 32 bits of a name's key that its index entry holds beside the tag: the walk recognises records by
 * them.
 */
#define NAME_TAG 0x454d414eu

/* The record on the image; the path follows, without a terminating zero. */
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
 * Whether an extent is the name of a file of which something stays when the extent's region is recycled: a
 * chunk that was visited, or that lies elsewhere in the main log.
 */
bool name_wanted(struct rawcache *cache, const struct key *key, const struct found *found);

#endif
