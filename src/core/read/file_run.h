/* SPDX-License-Identifier: MIT */
/*
 * A run: bytes of a file that lie side by side in one region, as many as there are. Neighbouring chunks of
 * a file that was read in order usually do.
 */
#ifndef CORE_FILE_RUN_H
#define CORE_FILE_RUN_H

#include "core/origin/file.h"

struct run {
	uint32_t region;
	uint32_t generation; /* all 32 bits */
	uint64_t at;	     /* bytes into the data area */
	uint64_t length;
};

/* Bytes of a file that a caller wants. The caller holds the object; `fd` is a descriptor of the file, or -1. */
struct span {
	struct file *file;
	uint64_t handle; /* number of the object */
	int fd;
	uint64_t offset;
	uint64_t length;
};

/*
 * Find the run at `offset`, of at most `length` bytes and not beyond the file. 0, or -ENODATA: not cached.
 * The caller holds a reference of the object.
 */
int run_find(struct rawcache *cache, struct file *file, uint64_t offset, uint64_t length,
	     struct run *run);

/* The same for a caller that has the key of the chunk at `offset`, or NULL. */
int run_find_from(struct rawcache *cache, struct file *file, uint64_t offset, uint64_t length,
		  const struct key *key, struct run *run);

/* The same; with span->fd >= 0 a missing chunk is fetched first: run_fetch.c. */
int run_fetch(struct rawcache *cache, const struct span *span, struct run *run);

#endif
