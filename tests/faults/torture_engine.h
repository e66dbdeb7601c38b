/* SPDX-License-Identifier: MIT */
/* Readers and writers of torture_engine.c, and what they share. */
#ifndef TORTURE_ENGINE_H
#define TORTURE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/embed.h>

#define FILES 24u
#define FILE_MAX (4u << 20)
#define SIZES 64u
#define READ_MAX (700u << 10)

/* A file as writer and readers see it together. */
struct shared_file {
	uint32_t started, done, told;
	uint32_t pad;
	uint64_t inode;	      /* behind the path */
	uint64_t size[SIZES]; /* of version v at v % SIZES */
};

struct shared {
	uint32_t stop;
	uint32_t bad;	 /* wrong reads */
	uint32_t errors; /* reads that failed */
	uint64_t reads, bytes, bypassed, changes;
	/* a read blocked, without its time on a processor or waiting for one */
	uint64_t longest_us;
	uint64_t forks;
	char first_bad[256];
	struct shared_file file[FILES];
};

struct writer {
	struct rawcache *cache;
	uint64_t random;
	char *buf;
};

extern struct shared *shared;
extern const char *image;
extern unsigned int threads;
extern bool with_clock;
extern uint64_t seed;

/* torture_engine.c */
const char *file_path(uint32_t number);

/* torture_engine_read.c */
int reader_main(uint64_t random);

/* torture_engine_write.c */
int writer_main(uint64_t random);
void files_make(void);

/* torture_engine_left.c */
void check_verify(struct rawcache *cache);
/*
 * `before` are the totals at the round's begin, `delivered` the bytes that readers counted; those
 * that were killed may have had `untold` more.
 */
void check_totals(struct rawcache *cache, const struct rawcache_stats *before, uint64_t delivered,
		  uint64_t untold);
void check_left(struct rawcache *cache);
/* Readers must not inherit an attached cache: theirs would not be the one that counts. */
void totals_get(struct rawcache_stats *totals);

#endif
