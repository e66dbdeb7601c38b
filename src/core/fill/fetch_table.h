/* SPDX-License-Identifier: MIT */
/*
 * What the files of fetch.h share: the table of fetches, its lock, and the threads that wait for entries. All but
 * the lock's own functions is called under the lock, unless it says otherwise.
 */
#ifndef CORE_FETCH_TABLE_H
#define CORE_FETCH_TABLE_H

#include <pthread.h>

#include "base/compiler.h"
#include "base/critical.h"
#include "core/fill/fetch.h"
#include "core/origin/pool.h"

#define FETCHES 48u

enum { FETCH_FREE, FETCH_READING, FETCH_STORING, FETCH_OVER };

struct fetch_table {
	pthread_mutex_t lock;
	struct fetch place[FETCHES];
	uint32_t used;		  /* not FREE: most reads find out here that there is nothing */
	uint32_t steps;		  /* futex: grows whenever somebody else has brought one further */
	uint64_t impatient_until; /* clock_coarse_ms(): waiting was in vain */
	uint32_t settlers;	  /* threads that wait for it */
	bool napping;		  /* a storing thread waits for more small chunks */
	uint32_t gathered;	  /* small chunks since then */
	uint32_t hurry;		  /* futex: its nap is over */
};
extern struct fetch_table fetches;
extern struct pool fetch_storers, fetch_sharers;
extern tls_initial struct fetch *fetch_mine; /* that this thread uses */

/* --- fetch_table.c */

/* Both take and leave a critical section, too. */
void fetches_lock(struct critical *critical);
void fetches_unlock(struct critical *critical);

/* What is over, and nobody uses, becomes free. */
void fetch_tidy(struct fetch *fetch);

/* It is over; its flight ends. */
void fetch_end(struct fetch *fetch);

/* This thread uses it from now on. */
struct fetch *fetch_use(struct fetch *fetch);

/* Once, when its request has ended. */
void fetch_count(struct fetch *fetch);

struct fetch *fetch_find(const struct file *file, uint64_t chunk);

/* It has arrived, and nobody uses or stores it. */
bool fetch_unclaimed(const struct fetch *fetch);

/* Its device has enough to do. */
bool fetch_crowded(const struct file *file);

/* A free place: else one whose bytes another file's reader did not come for. */
struct fetch *fetch_place(const struct file *file);

/* What begins to be on its way. `users` are there already. */
void fetch_init(struct fetch *fetch, struct file *file, uint32_t state, uint32_t users);

/* Without the lock: wake those who wait for a fetch to get on. */
void fetch_step(void);

/* Without the lock: fetch_end(), fetch_step(). */
void fetch_ended(struct fetch *fetch);

/* --- fetch_store.c */

/* Somebody waits for small chunks: the storing thread gathers no more of them. */
void batch_hurry(void);

/* Hand it to a thread that stores. 0, or why there is none. */
int storer_post(struct fetch *fetch);

/* --- fetch_tier.c */

/* Its helper asks the tier first, where there is one. */
void fetch_tier_begin(struct fetch *fetch, struct file *file);

/* It is confirmed: have it put, if it is ours to put. */
void fetch_share(struct fetch *fetch);

/* --- fetch_look.c */

/* Hand it to a thread that stores, or have the server asked first. */
int fetch_submit(struct fetch *fetch, bool make);

/* Somebody waits for what is being asked of the server, for `file` (NULL: for all). */
void looks_hurry(const struct file *file);

#endif
