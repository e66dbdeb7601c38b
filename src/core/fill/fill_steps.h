/* SPDX-License-Identifier: MIT */
/*
 * The steps of a miss (fill.h), for the files of this room, each once: fill.c plans and claims, fill_miss.c reads and
 * delivers, fill_keep.c keeps.
 */
#ifndef CORE_FILL_STEPS_H
#define CORE_FILL_STEPS_H

#include <sys/types.h>

#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/fill_state.h"
#include "core/fill/part.h"
#include "core/image/key.h"

/* A miss whose flight is ours. */
struct miss {
	struct rawcache *cache;
	struct file *file;
	const struct want *want;
	struct filling *held; /* what is given back if this thread leaves by siglongjmp() */
	struct key key;	      /* of the chunk */
	uint32_t length;      /* of the chunk */
	char *buf;	      /* of buffer_get(); NULL: it is another thread's now */
	uint64_t start;	      /* clock_mono_ns() */
	uint32_t number;      /* what number_of() said before the first byte was read, */
	bool same;	      /* and whether the file was what it was opened as */
};

/* --- fill.c */

uint32_t chunk_length(const struct rawcache *cache, const struct file *file, uint64_t chunk);

/*
 * What was read is not of the version that `file` is: nobody gets it together with bytes of that, nor
 * anybody bytes of that after it. The kernel reads it for the program, all at once.
 */
ssize_t fill_stale(const struct file *file, int fd);

/* --- fill_miss.c */

/* Read, deliver and keep the whole chunk; or what is missing of its parts (-EAGAIN: somebody was faster). */
ssize_t chunk_fetch(struct miss *m);
ssize_t parts_miss(struct miss *m);

/* The program's descriptor, as it is now. A helper's own is in a table that nobody changes. */
uint32_t number_of(const struct rawcache *cache, const struct want *want);
bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before);

/* --- fill_keep.c: what was read is right. The buffer may be another thread's afterwards. */

/* Other processes wait for this chunk: write what is there, `have` bytes, where they can read it. */
void chunk_show(struct miss *m, uint32_t have);

void chunk_keep(struct miss *m);

/* Parts `first` and following, `length` bytes of them in the buffer. */
void parts_keep(struct miss *m, const struct parts *parts, uint32_t first, uint32_t length);

/* The chunk that was put together of its parts and the rest. */
void merged_keep(struct miss *m);

/* The program's own copy of the file may go: the image has it now. */
void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
		   uint64_t n);

/* --- fill_fetched.c */

/* The chunk was read ahead, or is being, or is not stored yet: deliver it. */
ssize_t fill_fetched(struct rawcache *cache, struct file *file, const struct want *want);

/* Store what has arrived, for other processes may wait for it. */
void fill_publish(struct file *file, int fd, int max);

/* Store one chunk that waits for a storing thread. False: none does. */
bool fill_help(void);

#endif
