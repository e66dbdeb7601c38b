/* SPDX-License-Identifier: MIT */
/* The files of crash_points.c, and the process that is killed. */
#ifndef CRASH_POINTS_H
#define CRASH_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/embed.h>

#include "base/crash.h"

#define FILE_BYTES ((5u << 19) + 777u) /* six of them are more than the image */
#define READ_BYTES (192u << 10)

/* Of all processes: what they asked the cache for, and what they have got of it. */
struct account {
	uint64_t asked, got;
};

extern char image[512];
extern struct account *bytes;

/* crash_points.c */
const char *file_path(uint32_t number);
/* One read, counted, timed and looked at: whether it was wrong. */
bool read_wrong(struct rawcache *cache, uint64_t file, int fd, uint32_t number, size_t n,
		uint64_t at);
/* Read a third of each file, every third piece from `from`; the number of wrong reads. */
unsigned int read_some(struct rawcache *cache, unsigned int from);
/* Part after part, backwards, and a little of each. */
unsigned int read_parts(struct rawcache *cache);
void *read_thread(void *arg);

/* crash_victim.c */
void victim(enum crash_point point, unsigned int pass, bool helper);

#endif
