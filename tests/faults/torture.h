/* SPDX-License-Identifier: MIT */
/*
 * Files that others change while they are open, all bytes checked: what torture_change.c and torture_ways.c share.
 *
 * Writers change files in place, cut them, append and put others in their places, by system calls of their own,
 * which nobody announces. Each change of a file has a version, which is in all words that it writes; the log in shared
 * memory says which blocks it covers, and when it began and was done. A read from t0 to t1 returns of each block
 *  - no version that had not begun at t1,
 *  - none older than what was done at t0, less BOUND: what the attributes may lag behind,
 *  - strict: none older than the newest version, done at t0, of which this read, or one of this process
 *    that had ended at t0, returned a byte: no mixtures, and nothing old after something new. (Where the
 *    kernel keeps attributes, it mixes versions itself.)
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILES 6u
#define BLOCK 4096u
#define WORDS (BLOCK / 8)
#define BLOCKS 320u
#define LIVES 8u /* of a path: files that had its name; readers of older ones give up */
#define LOG 4096u
#define WRITERS 2
/* As the manual has it: RAWCACHE_REVALIDATE, and a second of the mount's; a machine that is busy. */
#define BOUND_STRICT_NS (UINT64_C(1500) * 1000000)
#define BOUND_LATE_NS (UINT64_C(4000) * 1000000)
#define READ_BLOCKS 280u

struct change {
	uint64_t done_ns;
	uint32_t first, last; /* blocks [first, last) that it wrote */
	uint32_t blocks;      /* of the file afterwards */
};

struct life {
	uint32_t number;      /* of the life */
	uint32_t begun, done; /* versions; 1 is the first */
	struct change log[LOG];
};

struct shared {
	uint32_t stop, bad;
	uint32_t lives[FILES];
	uint64_t reads, bytes, changes[4];
	char why[300];
	struct life life[FILES][LIVES];
};

extern struct shared *shared;
extern const char *directory;
extern bool strict;

struct read {
	uint64_t t0;
	uint32_t file, begun, least, floor;
	struct life *life;
	const uint64_t *words;
	size_t n;
	uint64_t first; /* block */
	bool loose;	/* by a mapping: it shows old bytes for a while, and mixtures */
};

void give_up(const char *what) __attribute__((noreturn));

/* The words of block 0 tell which life of the file it is: its number, or 0. */
uint32_t life_of(uint32_t file, uint64_t word);

/* Bytes that no version has. */
void bad(const struct read *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Before a read of the file's life `number` from block `first` on; then, with r->words and r->n set. */
void read_begin(struct read *r, uint32_t file, uint32_t number, uint64_t first);
void read_end(struct read *r, uint32_t number, size_t wanted);

/*
 * DIRECTORY BACKING SECONDS SEED strict|late: writers, and `readers` processes that run reader(id, random).
 * The exit status.
 */
int torture(char **argv, uint32_t readers, int (*reader)(uint32_t id, uint64_t random));

#endif
