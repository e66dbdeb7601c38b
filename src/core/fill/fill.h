/* SPDX-License-Identifier: MIT */
/*
 * A miss: fetch the chunk from the origin, give the program its bytes, store the chunk.
 *
 *   was it read ahead?  take it, wait for the rest of it
 *   else claim the flight, or wait for its owner -> look again
 *   -> read the origin -> copy to the program -> has the file changed?
 *   -> hand the buffer to a thread that stores it, or cut an extent -> write -> publish -> end the flight
 *
 * A small read in a file that is not read sequentially fetches a part of the chunk (part.h). Nothing in the
 * second half can fail the read: without space, or without a descriptor, nothing is stored, and the program
 * gets what the origin gave.
 */
#ifndef CORE_FILL_H
#define CORE_FILL_H

#include <sys/types.h>

#include "core/origin/file.h"

/* A piece of one chunk that a program waits for. */
struct want {
	uint64_t chunk;
	uint32_t skip;	 /* bytes into the chunk */
	uint32_t length; /* the piece ends inside the chunk */
	char *buf;
	int fd;	       /* of the origin */
	uint64_t more; /* bytes behind this piece that the same call wants */
	bool background; /* no program waits: it counts for no stream, and the origin's pages stay in the page cache */
	bool ordered; /* of a chunk read in the background: so are the chunks around it, side by side in the image */
};

/* The offset of the piece in the file. */
uint64_t want_offset(const struct rawcache *cache, const struct want *want);

/*
 * The caller holds a reference of `file`; `key` is the chunk's. Returns the number of bytes delivered, or
 * -errno as the origin gave it. -ESTALE: the file has changed, and `buf` may hold bytes of any version;
 * -EAGAIN: another thread stored the chunk, look it up; -EFAULT: the buffer is bad.
 */
ssize_t fill_chunk(struct rawcache *cache, struct file *file, const struct want *want,
		   const struct key *key);

/* Read the origin for the program and store nothing. -ESTALE as above. */
ssize_t fill_bypass(const struct rawcache *cache, const struct file *file, const struct want *want);

/*
 * Call when a read touched a chunk that was stored already: while this process reads ahead, stores the
 * chunks that have arrived, and reads on. The caller holds a reference of `file`.
 */
void fill_touch(struct rawcache *cache, struct file *file, const struct want *want);

/*
 * Wait until chunks that were read of `file` are stored, at most SETTLE_MS: another thread may still be
 * storing when a read returns. The caller holds a reference.
 */
void fill_settle(struct rawcache *cache, struct file *file, int fd);

/* Read up to `chunks` chunks ahead from `first`, as far as there is room. Returns how many are under way. */
uint32_t fill_ahead(struct rawcache *cache, struct file *file, int fd, uint64_t first,
		    uint64_t chunks);

#endif
