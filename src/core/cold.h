/* SPDX-License-Identifier: MIT */
/*
 * Reading the image ahead of a reader whose chunks are cached, but lie on the disk only.
 *
 * The kernel reads ahead inside a chunk; where the next one lies it cannot know. A reader that
 * goes through a file and waits for the disk has the extents of the next chunks read into
 * the page cache, in a window that doubles. One whose chunks are in memory pays nothing.
 *
 * Nothing here must be right: the fields are hints, shared by threads without order.
 */
#ifndef CORE_COLD_H
#define CORE_COLD_H

#include <stdbool.h>
#include <stdint.h>

struct cold {
	uint64_t chunk; /* that was read last */
	uint64_t edge; /* first chunk that was not asked for */
	uint64_t until; /* chunk up to which the disk is taken to be slow */
	uint32_t window; /* chunks */
};

struct rawcache;
struct file;
struct want;

/* A read of more than this chunk, which is not in memory: ask for what follows, too. */
void cold_request(struct rawcache *cache, struct file *file, const struct want *want,
		  uint64_t place);

/*
 * Whether a reader that goes through the file and waits for the disk reads this chunk next: by
 * pread(), which tells the kernel to read on. Page faults on what is there already do not.
 */
bool cold_stream(const struct file *file, uint64_t chunk);

/* A chunk was read the slow way, or for the first time: it took `ns`. The caller holds a reference. */
void cold_note(struct rawcache *cache, struct file *file, const struct want *want, uint64_t ns);

#endif
