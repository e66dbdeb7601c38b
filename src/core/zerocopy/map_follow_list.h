/* SPDX-License-Identifier: MIT */
/*
 * One mapping that is followed (map_follow.h), as the program's threads (map_follow.c) and the thread that follows
 * (map_follow_thread.c) see it.
 */
#ifndef CORE_MAP_FOLLOW_LIST_H
#define CORE_MAP_FOLLOW_LIST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/critical.h"
#include "core/origin/pool.h"

struct rawcache;
struct file;

/* a mapping in which no new page appears is followed for this long */
#define FOLLOW_PATIENCE_MS 20000u
/* chunks that are asked for before the mapping ends: as many as when it ends (GROUP) */
#define FOLLOW_EARLY 32u

/* FOLLOW_ASKED -> FOLLOW_TAKEN by the thread, or -> FOLLOW_REFUSED by either side. */
enum follow_state { FOLLOW_ASKED, FOLLOW_TAKEN, FOLLOW_REFUSED };

struct followed {
	struct pool_job job;
	struct followed *next;	 /* the next of all */
	struct followed *beside; /* the next of those that the thread has */
	struct rawcache *cache;
	struct file *file; /* with a reference */
	uintptr_t start;
	uint64_t offset, length;
	size_t bytes;	/* size of this block */
	uint32_t state; /* futex */
	uint32_t unwanted;
	uint32_t last;	/* look once more, then stop following it */
	uint32_t early; /* so many chunks may be asked for yet before the end */
	/* the thread, and callers that wait for its answer: the last of them frees the block */
	uint32_t users;
	int fd;		      /* the program's; once FOLLOW_TAKEN, the thread's */
	uint64_t cost_ns;     /* what one look at its pages costs */
	uint64_t made;	      /* clock_coarse_ms() */
	uint64_t new_page_ms; /* clock_coarse_ms() when a new page was last seen */
	uint64_t ahead;	      /* in bits: the end of what the kernel was asked to read ahead */
	uint64_t first;	      /* the chunk of the first bit */
	/* bits, from `first` on */
	uint64_t *done;	 /* a bit for each chunk that is cached, or was tried */
	uint64_t *asked; /* a bit for each chunk that was asked for before the end */
	uint64_t touched[];
};

static inline bool bit_get(const uint64_t *words, uint64_t bit)
{
	return words[bit / 64] >> bit % 64 & 1;
}

static inline void bit_set(uint64_t *words, uint64_t bit)
{
	words[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* --- map_follow_look.c */

/* How many chunks the mapping has bytes of. */
uint64_t followed_chunks(const struct followed *followed);

/* Find out which of the chunks [bit, end) have been touched. Returns whether all have, or -errno. */
int followed_look(struct followed *followed, int pagemap, uint64_t bit, uint64_t end);

/* --- map_follow_thread.c */

/* A thread of the pool of followers; its jobs are of struct followed. */
void follow_work(struct pool *pool);

/* Stop following it. */
void followed_end(struct followed *followed);

/* Release one reference of its users. */
void followed_put(struct followed *followed);

/* Sleep while the word is `seen`. Returns true when the time is over. */
bool futex_nap(const uint32_t *word, uint32_t seen, uint64_t ms);

/* This process may not read its table of pages: nothing is followed from now on. */
extern uint32_t follow_blind;

/* --- map_follow_list.c */

/* All mappings that were asked for and are not freed. */
struct follow_list {
	pthread_mutex_t lock;
	struct followed *first;
	uint32_t count;
	uint32_t ended; /* futex: how many have left the list */
};
extern struct follow_list follow_list;

/* The lock comes with a critical section. */
void follow_list_enter(struct critical *critical);
void follow_list_leave(const struct critical *critical);

/* Remove it from the list. */
void followed_unlink(struct followed *followed);

#endif
