/* SPDX-License-Identifier: MIT */
/*
 * A miss: fetch the chunk from the origin, hand the program its bytes, store the chunk.
 *
 *	claim the flight -> look again -> read the origin -> copy to the program ->
 *	has the file changed? -> cut an extent -> write -> publish -> end the flight
 *
 * Nothing in the second half can fail the read: without space, descriptor or luck nothing is
 * stored. The program is given what the origin gave.
 */
#ifndef CORE_FILL_H
#define CORE_FILL_H

#include <sys/types.h>

#include "core/file.h"

/* The piece of one chunk that a program waits for. */
struct want {
	uint64_t chunk;
	uint32_t skip; /* bytes into the chunk */
	uint32_t length; /* ends inside the chunk */
	char *buf;
};

/*
 * The caller holds a reference of `file`. Returns the bytes delivered, or -errno as the origin
 * gave it; 0: the file has become shorter; -EAGAIN: somebody else stored the chunk, look it up;
 * -EFAULT: the buffer is bad.
 */
ssize_t fill_chunk(struct rawcache *cache, struct file *file, int fd, const struct want *want);

/* Read the origin for the program, storing nothing. */
ssize_t fill_bypass(struct rawcache *cache, const struct file *file, int fd,
		    const struct want *want);

#endif
