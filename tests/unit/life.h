/* SPDX-License-Identifier: MIT */
/* An image, and one file of four chunks and a bit that each test reads through the cache. */
#ifndef UNIT_LIFE_H
#define UNIT_LIFE_H

#include "unit/unit.h"

#define SIZE ((1u << 20) + 12345)

extern char image[512];
extern char data[512]; /* the file's path */
extern struct rawcache *cache;
extern char buf[SIZE + 100];

/* For cmocka. The cache is not attached yet. */
int life_begin(void **state);
int life_end(void **state);

/* From now on faults in the image are the cache's. */
void handle_faults(void);

/* Without threads: what came before it was asked for is no miss, what was read is stored. */
struct rawcache *attach_plain(void);

/* Read all of the file; whether every byte is right. */
bool read_ok(void);

struct rawcache_stats totals(void);

/* Flip a byte of each extent but the one with number `spare`. */
void flip_extents(int spare);

#endif
