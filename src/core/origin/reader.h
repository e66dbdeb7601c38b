/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of the readers of a file: plain data, which lie in struct file. Those of `ahead`
 * are the fill room's (ahead.h), those of `cold` the read room's (disk_stream.h).
 */
#ifndef CORE_READER_H
#define CORE_READER_H

#include <stdint.h>

#define AHEAD_STREAMS 4

struct stream {
	uint64_t chunk; /* where it was last */
	uint64_t last;	/* and the byte at which that read began */
	uint64_t end;	/* the byte up to which it was given */
	uint64_t edge;	/* first chunk that was not asked for ahead */
	int64_t stride;
	uint32_t window;  /* chunks */
	uint32_t strides; /* equal ones in a row */
	uint32_t used;	  /* order of use; 0: never */
	uint32_t whole;	  /* gets whole chunks */
};

struct ahead {
	struct stream stream[AHEAD_STREAMS];
	uint32_t busy;
	uint32_t order;
	uint32_t live;	 /* this process reads ahead of somebody: hits have to be watched too */
	uint32_t advice; /* POSIX_FADV_ */
};

struct cold {
	uint64_t next;	 /* the byte behind what was read last */
	uint64_t until;	 /* up to this byte the disk is taken to be slow */
	uint64_t edge;	 /* first chunk that was not asked for */
	uint64_t passed; /* chunk + 1, the first of those that are to be given back; 0: none */
	uint64_t passed_block; /* where they lie in the image */
	uint32_t window;       /* chunks */
};

/* Whether the tier (core/tier) has the file's chunks, and whether they are the origin's: see proof.h there. */
enum { TIER_NEW, TIER_NEVER, TIER_UNPROVEN, TIER_PROVING, TIER_PROVEN };

struct tier_memory {
	uint32_t state;	   /* futex */
	uint32_t name;	   /* number of its data set */
	uint64_t print[2]; /* hash of its first chunk, where PROVEN and not small */
};

#endif
