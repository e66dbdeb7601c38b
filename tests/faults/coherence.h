/* SPDX-License-Identifier: MIT */
/* Histories of files, which writers make and readers check (see coherence.c). */
#ifndef COHERENCE_H
#define COHERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES 10u
#define BLOCK 4096u
#define BLOCKS 160u
#define SIZES 256u /* of the history of sizes; what is older is not checked */
#define READ_MAX (96u << 10)

struct block {
	uint32_t begun, done, told;
};

/* A file; `busy` is its writer's, all else everybody's to look at. */
struct history {
	uint32_t busy;
	uint32_t version;
	uint64_t inode; /* behind the path */
	uint32_t sizes; /* changes of the size so far, in two steps each: begun and done */
	uint32_t size_told;
	uint64_t smallest[SIZES]; /* at that step */
	uint64_t size;		  /* its writer's */
	struct block block[BLOCKS];
};

struct shared {
	uint32_t stop, bad, stale_pages;
	uint64_t reads[5], bytes, changes[2];
	char first_bad[400], first_more[1200];
	struct history file[FILES];
};

struct change {
	struct history *h;
	uint32_t number, version;
	uint32_t first, last; /* blocks [first, last) */
	bool told;
};

/* A reader's file that is open. */
struct opened {
	int fd; /* -1: none */
	uint32_t number;
	uint64_t inode;
	uint32_t sizes;
	uint32_t low[BLOCKS]; /* what was done at the open */
};

enum way { WAY_READ, COPY_PREAD, WAY_MMAP, WAY_STDIO, WAY_SENDFILE, WAYS };

extern struct shared *shared;
extern const char *store; /* what the mount shows, by the server's path; NULL: no mount */
extern const char *const way_names[];

/* coherence.c */
const char *file_path(uint32_t number, const char *suffix);
void give_up(const char *what);

/* coherence_write.c */
/* Another file takes the path's place. */
void change_replace(struct change *c, uint64_t r, uint64_t size);
int writer_main(uint64_t random, bool under_shim);

/* coherence_check.c */
void check_bytes(const struct opened *o, enum way way, const char *buf, size_t n, uint64_t offset);
void check_end(const struct opened *o, enum way way, uint64_t end);

/* coherence_read.c */
int reader_main(uint64_t random);

#endif
