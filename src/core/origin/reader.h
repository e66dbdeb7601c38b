/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of the readers of a file: plain data in struct file. `ahead` belongs to the fill room
 * (ahead.h), `disk_stream` to the read room (disk_stream.h).
 */
#ifndef CORE_READER_H
#define CORE_READER_H

#include <stdint.h>

/*
 * Readers of one file that are told apart. One more, and each finds that another has its place: none is read ahead for.
 * Each costs 56 bytes of every open file, and a comparison at every miss.
 */
#define AHEAD_STREAMS 4

struct stream {
	uint64_t chunk; /* of the last read */
	uint64_t last;	/* first byte of the last read */
	uint64_t end;	/* end of the last read */
	uint64_t edge;	/* the first chunk that was not read ahead */
	int64_t stride;
	uint32_t window;  /* in chunks */
	uint32_t strides; /* number of equal strides in a row */
	uint32_t used;	  /* order of use; 0: never */
	uint32_t whole;	  /* it gets whole chunks, not parts */
};

struct ahead {
	struct stream stream[AHEAD_STREAMS];
	uint32_t busy;
	uint32_t order;
	uint32_t live;	 /* this process reads ahead for a reader: hits must be watched too */
	uint32_t advice; /* POSIX_FADV_ */
};

struct disk_stream {
	uint64_t next;	       /* end of the last read */
	uint64_t until;	       /* up to this byte the disk is assumed to be slow */
	uint64_t edge;	       /* the first chunk that was not read ahead */
	uint64_t passed;       /* the first chunk that is to be given back, + 1; 0: none */
	uint64_t passed_block; /* its place in the image */
	uint32_t window;       /* in chunks */
};

/*
 * Whether the tier (core/tier) has the file's chunks, and whether they are the origin's bytes: see proof.h
 * there.
 */
enum { TIER_NEW, TIER_NEVER, TIER_UNPROVEN, TIER_PROVING, TIER_PROVEN };

struct tier_memory {
	uint32_t state;	   /* futex */
	uint32_t name;	   /* of its data set */
	uint64_t print[2]; /* hash of its first chunk, if PROVEN and not small */
};

#endif
