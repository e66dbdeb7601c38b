/* SPDX-License-Identifier: MIT */
/*
 * A miss: fetch the chunk from the origin, hand the program its bytes, store the chunk.
 *
 *	was it read ahead?	take it, wait for the rest of it
 *	else claim the flight	or wait for its owner -> look again -> read the origin
 *	copy to the program -> has the file changed? -> hand the buffer to a thread that stores it,
 *	or cut an extent -> write -> publish -> end the flight
 *
 * A small read at a place where nobody reads sequentially fetches a part of the chunk (part.h).
 *
 * Nothing in the second half can fail the read: without space, descriptor or luck nothing is
 * stored. The program is given what the origin gave.
 */
#ifndef CORE_FILL_H
#define CORE_FILL_H

#include <sys/types.h>

#include "core/origin/file.h"

/* The piece of one chunk that a program waits for. */
struct want {
	uint64_t chunk;
	uint32_t skip;	 /* bytes into the chunk */
	uint32_t length; /* ends inside the chunk */
	char *buf;
	int fd;	       /* of the origin */
	uint64_t more; /* bytes that the same call wants behind this piece */
	bool aside;    /* nobody waits for it: no stream is seen in it, the origin's pages stay */
	bool ordered; /* of what is aside: so are the chunks around it, side by side in the image */
};

/* Where the piece begins in the file. */
uint64_t want_offset(const struct rawcache *cache, const struct want *want);

/*
 * The caller holds a reference of `file`; `key` is the chunk's. Returns the bytes delivered, or -errno as the origin
 * gave it; -ESTALE: the file is not what it was, and `buf` may have bytes of any version; -EAGAIN:
 * somebody else stored the chunk, look it up; -EFAULT: the buffer is bad.
 */
ssize_t fill_chunk(struct rawcache *cache, struct file *file, const struct want *want,
		   const struct key *key);

/* Read the origin for the program, storing nothing. -ESTALE as above. */
ssize_t fill_bypass(const struct rawcache *cache, const struct file *file, const struct want *want);

/*
 * A read touched a chunk that was there already: while we read ahead, publish what has arrived
 * and read on. The caller holds a reference of `file`.
 */
void fill_touch(struct rawcache *cache, struct file *file, const struct want *want);

/*
 * Wait until what was read of `file` is stored, for SETTLE_MS at most: another thread may still be storing it when a
 * read returns. The caller holds a reference.
 */
void fill_settle(struct rawcache *cache, struct file *file, int fd);

/* Read `chunks` chunks ahead from `first`, as far as there is room. How many are on their way. */
uint32_t fill_ahead(struct rawcache *cache, struct file *file, int fd, uint64_t first,
		    uint64_t chunks);

#endif
