/* SPDX-License-Identifier: MIT */
/*
 * Several machines read one data set, and its origin is read once: chunks lie sealed in memcached servers.
 * The tier is asked by the helper that is about to read a chunk from the origin, in place of that; while the answer
 * is on its way, the helper does something else, and a whole window of chunks may be.
 *
 *	the price, the breaker -> which server -> mg KEY with a lease
 *	a value		open it; it is the file's, if that is small or its first chunk is the same: proof.h
 *	a miss, ours	read the origin, then ms KEY, by a thread that does nothing else
 *	a miss, another's	ask again for a while; then read the origin, and put nothing
 *	late, bad, refused	read the origin
 *
 * Nothing here fails a read. A value is right because it opened under a key that is made of the secret, the data
 * set's name, the file's path in it, its size and times, and the chunk's number; and because machines that have
 * different files by these names are found out by comparing.
 */
#ifndef CORE_TIER_H
#define CORE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

#include "core/origin/file.h"
#include "core/tier/wire.h"

struct link_call;
struct tier_ask;
struct tier_origin;
struct tier_server;

/*
 * What becomes of a question, to be told by the tier's helper:
 *
 *	TIER_ANSWERED		tier_take() is to be called by a helper
 *	TIER_LATE		where it `races`: the origin is to be read, and one of these follows:
 *	  TIER_OVERTAKES	the answer is there, and tier_overtake() is to be called, or tier_take() if nobody reads
 *	  TIER_DROPPED		it does not come, or tier_origin() was called before
 */
enum tier_news { TIER_ANSWERED, TIER_LATE, TIER_OVERTAKES, TIER_DROPPED };

/* What is known of one chunk between the question and its end; zeroed before. */
struct tier_ask {
	uint8_t key[WIRE_KEY];
	uint64_t hash[2]; /* of what the tier has, to be compared */
	uint32_t server;
	bool chosen; /* by tier_wants() */
	bool asked;  /* the question is over, or was never put */
	bool put;    /* it is ours to put */
	bool compare;
	bool reads;	  /* the origin is being read */
	bool proves;	  /* the file, and others wait for it */
	bool first;	  /* the first chunk of a file that is not small */
	bool first_comes; /* another helper is about to read that */
	bool have;	  /* the origin's bytes are in the buffer already, */
	uint64_t took;	  /* and reading them took so long */
	bool won;	  /* it counts as one of link_leases */
	bool races; /* the origin is read when the answer is late, and the answer taken if it comes first */
	bool late; /* that is so */
	bool over; /* the origin has won */
	/* of the question, while it is put */
	void (*tell)(struct tier_ask *ask, enum tier_news news);
	const bool *unwanted;
	struct link_call *call; /* with a value */
	struct tier_origin *origin;
	struct tier_server *breaker; /* or NULL */
	uint64_t begun;		     /* clock_mono_ns() */
	uint64_t begun_ms;	     /* clock_coarse_ms() */
	uint64_t patience;
	/* since clock_mono_ns(), for what another machine fetches; 0: it does not */
	uint64_t waits;
	uint64_t nap;
};

/* Take over the options of an attaching process: it has a tier from then on, or a line in the log says why not. */
void tier_setup(const struct rawcache_options *options);
extern bool tier_active;

/*
 * Whether the tier is to be asked for a chunk of the file that a program waits for: 0, or the nanoseconds that
 * are worth waiting for a place to do so. Then ask->chosen is to be set.
 */
uint64_t tier_wants(struct rawcache *cache, struct file *file);

/*
 * By a thread with the program's descriptors: whether tier_begin() is to be called for chunks of the file. Has the
 * tier's helper there then.
 */
bool tier_prepare(const struct file *file);

/*
 * By a helper; `fd` is of the file, and `buf` has room for a chunk. True: tier_ask() shall be called. False: read the
 * origin, after tier_take().
 */
bool tier_begin(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf,
		struct tier_ask *ask);

/* The question goes off: see enum tier_news; this thread may be told. It is over soon after `ask->unwanted`. */
void tier_ask(struct tier_ask *ask);

/* By a helper: the bytes of the chunk. Returns `length`, or 0: read the origin. ask->have: they are the origin's. */
int32_t tier_take(struct rawcache *cache, struct file *file, void *buf, uint32_t length,
		  struct tier_ask *ask);

/*
 * By a helper while another one reads the origin, or has just done so: the bytes of the chunk into `buf`, or 0.
 * tier_overtaken(): they were used, or not.
 */
int32_t tier_overtake(struct file *file, void *buf, uint32_t length, struct tier_ask *ask);
void tier_overtaken(uint32_t length);

/* The origin is read from now on; what was read came second. */
void tier_read(struct tier_ask *ask);
void tier_lost(struct tier_ask *ask);

/* The origin was read in `ns` after tier_take() had nothing. `good`: all of it came, and the file is what it was. */
void tier_origin(struct rawcache *cache, struct file *file, struct tier_ask *ask, const void *buf,
		 uint32_t length, uint64_t ns, bool good);

/* The file was what it was after the chunk was read: put it, if it is ours to put. */
void tier_put(struct tier_ask *ask, const void *buf, uint32_t length);

/* Nothing more comes of it: what was not put shall be others' to put. */
void tier_forget(struct tier_ask *ask);

/* What helpers were at is the parent's. */
void tier_fork_child(void);

/* Before the program ends: a moment for what is being put. */
void tier_settle(void);

#endif
