/* SPDX-License-Identifier: MIT */
/*
 * The steps of a miss (fill.h), for the files of this room, in their order, each once: fill.c plans and claims,
 * fill_miss.c reads and delivers, fill_keep.c keeps; fill_fetched.c does the last three for a chunk that was read
 * already. The miss goes through them as one argument. A step that cannot go on returns MISS_BYPASS.
 */
#ifndef CORE_FILL_STEPS_H
#define CORE_FILL_STEPS_H

#include <sys/types.h>

#include "core/fill/ahead.h"
#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/fill_state.h"
#include "core/fill/part.h"
#include "core/image/key.h"
#include "core/tier/tier.h"

/* What the tier is asked for by a thread that waits for it. */
struct tier_wait {
	struct tier_ask ask;
	uint32_t told; /* futex */
};

/* The program gets its bytes of the origin, and nothing is stored. Lower than each -errno. */
#define MISS_BYPASS (-4096)

struct miss {
	struct rawcache *cache;
	struct file *file;
	const struct want *want;
	struct filling *held; /* what is released if this thread leaves by siglongjmp() */
	struct key key;	      /* of the chunk */
	uint64_t at;	      /* of the chunk, in the file */
	uint32_t length;      /* of the chunk */
	struct plan plan;
	char *buf;		/* from buffer_get(); NULL: it belongs to another thread now */
	struct tier_wait *tier; /* or NULL */
	uint64_t start;		/* clock_mono_ns() */
	uint32_t number;	/* the result of number_of() before the first byte was read, */
	bool same;		/* and whether the file was in the state in which it was opened */
};

/* --- want.c */

/*
 * The bytes that were read are of another version than `file` describes. Returns -ESTALE: the program must not get
 * bytes of two versions from one call, nor older bytes after newer ones, so the caller lets the kernel read all of it.
 */
ssize_t fill_stale(const struct file *file, int fd);

/* --- fill_miss.c */

/* The flight is this thread's: read, deliver and keep. -EAGAIN: another thread has stored it. */
ssize_t miss_own(struct miss *m);

/* number_now() of want->fd. A helper's descriptor is in a table of its own, which nobody else changes. */
uint32_t number_of(const struct rawcache *cache, const struct want *want);
bool want_same(const struct rawcache *cache, const struct want *want, uint32_t before);

/* --- fill_keep.c: the bytes are the file's (INV-4). Afterwards the buffer may belong to another thread. */

/* If other processes wait for this chunk, write its first `have` bytes to the image and tell them. */
void chunk_show(struct miss *m, uint32_t have);

void chunk_keep(struct miss *m);

/* Parts `first` and following, `length` bytes of them in the buffer. */
void parts_keep(struct miss *m, const struct parts *parts, uint32_t first, uint32_t length);

/* Keep the chunk that was put together from its parts and the rest. */
void merged_keep(struct miss *m);

/* Drop the origin's pages from the kernel's cache, unless options.keep_origin is set: the image has the bytes now. */
void origin_forget(const struct rawcache *cache, const struct want *want, uint64_t offset,
		   uint64_t n);

/* --- fill_background.c */

/* The chunk, by the tier or by `read`; m->tier is to be set up. Owes a background_end(). */
ssize_t background_read(struct miss *m, ssize_t (*read)(struct miss *m));

/* `kept`: the file was what it was after that, and the chunk may be put into the tier. */
void background_end(struct miss *m, bool kept);

/* --- fill_fetched.c */

/* `held->fetch` was read ahead, is being read, or is not stored yet: deliver and keep. */
ssize_t miss_fetched(const struct miss *m);

/* Store chunks that have arrived: other processes may wait for them. */
void fill_publish(struct file *file, int fd, int max);

/* Store one chunk that waits for a storing thread. False: there is none. */
bool fill_help(void);

#endif
