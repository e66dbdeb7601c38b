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

#define FETCHES 48u /* DEVICE_FETCHES of one device, and half as many for all others */

enum { FETCH_FREE, FETCH_READING, FETCH_STORING, FETCH_OVER };

struct fetch_table {
	pthread_mutex_t lock;
	struct fetch place[FETCHES];
	uint32_t used;	/* entries that are not FREE; 0: a read need not take the lock */
	uint32_t steps; /* futex: incremented with each step of any fetch */
	/* clock_coarse_ms(): a wait has timed out, and until then nobody waits */
	uint64_t impatient_until;
	uint32_t settlers; /* threads in fetch_settle() */
	bool napping;	   /* a storing thread waits for more small chunks */
	uint32_t gathered; /* small chunks since then */
	uint32_t hurry;	   /* futex: its nap is over */
};
extern struct fetch_table fetches;
extern struct pool fetch_storers, fetch_sharers;
extern tls_initial struct fetch *fetch_mine; /* the fetch that this thread uses */

/* --- fetch_table.c */

/* Both take and leave a critical section, too. */
void fetches_lock(struct critical *critical);
void fetches_unlock(struct critical *critical);

/* Make a fetch FREE if it is OVER and has no users. */
void fetch_tidy(struct fetch *fetch);

/* Make a fetch OVER, and end its flight. */
void fetch_end(struct fetch *fetch);

/* Add this thread to the users of a fetch. Returns it. */
struct fetch *fetch_use(struct fetch *fetch);

/* Count the origin's bytes in the statistics, once, after the request of a fetch has ended. */
void fetch_count(struct fetch *fetch);

struct fetch *fetch_find(const struct file *file, uint64_t chunk);

/* Whether a fetch has arrived, and no thread uses or stores it. */
bool fetch_unclaimed(const struct fetch *fetch);

/* Whether as many fetches of the file's device are under way as are allowed. */
bool fetch_crowded(const struct file *file);

/* A FREE entry; else the oldest of another file that has arrived and is not used: it is dropped. NULL: none. */
struct fetch *fetch_place(const struct file *file);

/* Set up an entry for a fetch that begins with `users` users. */
void fetch_init(struct fetch *fetch, struct file *file, uint32_t state, uint32_t users);

/* Without the lock: wake threads that wait for a step of any fetch. */
void fetch_step(void);

/* Without the lock: fetch_end(), fetch_step(). */
void fetch_ended(struct fetch *fetch);

/* --- fetch_store.c */

/* A thread waits for small chunks: the storing thread must not wait for more of them. */
void batch_hurry(void);

/* Hand a fetch to a thread that stores. 0, or -errno if there is none. */
int storer_post(struct fetch *fetch);

/* --- fetch_tier.c */

/* Prepare a fetch so that its helper asks the tier first, if the file has one. */
void fetch_tier_begin(struct fetch *fetch, struct file *file);

/* A confirmed chunk: hand it to the tier, if this machine is to put it. */
void fetch_share(struct fetch *fetch);

/* --- fetch_look.c */

/* Hand a fetch to a thread that stores, or to a helper that asks the server about the file first. */
int fetch_submit(struct fetch *fetch, bool make);

/* A thread waits for the server's answers about `file` (NULL: about all files): ask now. */
void looks_hurry(const struct file *file);

#endif
