/* SPDX-License-Identifier: MIT */
/*
 * The steps of a miss (fill.h), for the files of this room: fill.c decides who reads, fill_miss.c reads and
 * delivers, fill_keep.c keeps. All of them work for the fill that this thread is in (filling.h).
 */
#ifndef CORE_FILL_STEPS_H
#define CORE_FILL_STEPS_H

#include <sys/types.h>

#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/part.h"
#include "core/image/key.h"

/* --- fill.c */

uint32_t chunk_length(const struct rawcache *cache, const struct file *file, uint64_t chunk);

uint64_t want_offset(const struct rawcache *cache, const struct want *want);

/*
 * What was read is not of the version that `file` is: nobody gets it together with bytes of that, nor
 * anybody bytes of that after it. The kernel reads it for the program, all at once.
 */
ssize_t fill_stale(const struct file *file, int fd);

/* --- fill_miss.c */

/* Fetch, deliver, store; the flight is ours. */
ssize_t chunk_fetch(struct rawcache *cache, struct file *file, const struct key *key,
		    const struct want *want, char **buf);

ssize_t parts_miss(struct rawcache *cache, struct file *file, const struct key *key,
		   const struct want *want, char **buf);

/* The program's descriptor, as it is now. A helper's own is in a table that nobody changes. */
uint32_t number_of(const struct rawcache *cache, const struct want *want);

bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before);

/* --- fill_keep.c */

/* Other processes wait for this chunk: write what is there where they can read it. */
void chunk_show(struct rawcache *cache, const struct key *key, const char *buf, uint32_t have,
		uint32_t length);

/* What was read is right. True: the buffer is another thread's now. */
bool chunk_keep(struct rawcache *cache, struct file *file, const struct key *key,
		const struct want *want, char *buf, uint64_t start);

/* Store parts `first` and following. True: the buffer is another thread's now. */
bool parts_keep(struct rawcache *cache, struct file *file, const struct want *want,
		const struct parts *parts, uint32_t first, char *buf, uint32_t length);

/* True: the buffer is another thread's now. */
bool merged_keep(struct rawcache *cache, struct file *file, const struct key *key,
		 const struct want *want, char *buf, uint32_t length);

/* The program's own copy of the file may go: the image has it now. */
void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
		   uint64_t n);

/* --- fill_fetched.c */

/* The chunk was read ahead, or is being, or is not stored yet: deliver it. */
ssize_t fill_fetched(struct rawcache *cache, struct file *file, const struct want *want);

/* Store what has arrived, for other processes may wait for it. */
void fill_publish(struct file *file, int fd, int max);

#endif
