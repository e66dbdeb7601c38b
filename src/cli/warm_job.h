/* SPDX-License-Identifier: MIT */
/* rawcache warm: the threads that read the files of a list into the cache. */
#ifndef CLI_WARM_JOB_H
#define CLI_WARM_JOB_H

#include <stddef.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

#include "cli/filelist.h"

/* Shared by the jobs. */
struct warm {
	struct rawcache *cache;
	struct filelist list;
	size_t next;   /* the next file to take */
	uint64_t done; /* bytes that were cached before or read now */
	uint64_t read; /* bytes that were read now */
	uint32_t running;
};

/* One file; with `buf` NULL, only its key. The handle is put away: those of 200,000 files would be 110 MB. */
void warm_file(struct warm *warm, struct filelist_file *file, char *buf);

/* 0, or why the file could not be read. */
int warm_error(const struct filelist_file *file);

/* How much of a file that was read, or looked at, is cached now. */
uint64_t warm_cached(const struct warm *warm, const struct filelist_file *file);

/* A thread that takes the next file until there is none; `arg` is the struct warm. */
void *warm_job(void *arg);

#endif
