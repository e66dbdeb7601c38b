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
 *	TIER_LATE		not of a `background` question: the origin is to be read, and one of these follows:
 *	  TIER_OVERTAKES	the answer is there, and tier_overtake() is to be called, or tier_take() if nobody reads
 *	  TIER_DROPPED		it does not come, or tier_origin() was called before
 */
enum tier_news { TIER_ANSWERED, TIER_LATE, TIER_OVERTAKES, TIER_DROPPED };

/* What is known of one chunk from the question to its end. Must be zeroed first. */
struct tier_ask {
	uint8_t key[WIRE_KEY];
	uint64_t hash[2]; /* of the tier's bytes, for the comparison */
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
	bool background;  /* no program waits for it: neither a race nor a lease is worth a wait */
	bool known; /* the buffer has the origin's bytes: the tier is only asked whether it wants them */
	bool late; /* the answer is late: the origin is read too, and the first of the two is used */
	bool over; /* the origin has won */
	/* what to call when the question is over */
	void (*tell)(struct tier_ask *ask, enum tier_news news);
	const bool *unwanted;
	struct link_call *call; /* has a value */
	struct tier_origin *origin;
	struct tier_server *breaker;
	uint64_t begun;	   /* clock_mono_ns() */
	uint64_t begun_ms; /* clock_coarse_ms() */
	uint64_t patience;
	/* since when another machine fetches it: clock_mono_ns(); 0: none does */
	uint64_t waits;
	uint64_t watched; /* the same by attention_ns() */
	uint64_t nap;
};

/*
 * Take over the options of a process that attaches. Afterwards the process has a tier, or a line in the log says
 * why not.
 */
void tier_setup(const struct rawcache_options *options);

/* Whether the process has a tier; set by tier_setup(), and by tests. */
extern bool tier_active;

/*
 * Whether the tier is to be asked for a chunk of the file that a program waits for: 0, or the nanoseconds that
 * are worth waiting for a place to do so. Then ask->chosen is to be set.
 */
uint64_t tier_wants(struct rawcache *cache, struct file *file);

/*
 * For a thread with the program's descriptors: returns whether tier_begin() must be called for chunks of the file.
 * If so, the tier's helper is made.
 */
bool tier_prepare(const struct file *file);

/*
 * For a helper: prepare the question. `fd` is of the file, and `buf` has room for a chunk. Returns true: call
 * tier_ask(). Returns false: call tier_take(), then read the origin.
 */
bool tier_begin(struct rawcache *cache, struct file *file, int fd, uint64_t chunk, void *buf,
		struct tier_ask *ask);

/*
 * Send the question: see enum tier_news. This thread may be the one that is told. It is over soon after
 * `ask->unwanted` is set.
 */
void tier_ask(struct tier_ask *ask);

/*
 * For a helper: get the bytes of the chunk. Returns `length`; or 0: read the origin. With ask->have they are the
 * origin's bytes.
 */
int32_t tier_take(struct rawcache *cache, struct file *file, void *buf, uint32_t length,
		  struct tier_ask *ask);

/*
 * For a helper, while another one reads the origin or has just done so: put the bytes of the chunk into `buf`.
 * Returns `length`, or 0. tier_overtaken() counts that these bytes were used.
 */
int32_t tier_overtake(struct file *file, void *buf, uint32_t length, struct tier_ask *ask);
void tier_overtaken(uint32_t length);

/* Whether a chunk of the file can be asked for without a read of the origin. */
bool tier_proven(const struct file *file);

/* tier_read(): the origin is read from now on. tier_lost(): the origin's bytes came second. */
void tier_read(struct tier_ask *ask);
void tier_lost(struct tier_ask *ask);

/*
 * Call when the origin was read, in `ns`, after tier_take() had nothing. `good`: all bytes came, and the
 * file is unchanged.
 */
void tier_origin(struct rawcache *cache, struct file *file, struct tier_ask *ask, const void *buf,
		 uint32_t length, uint64_t ns, bool good);

/* Call when the file was unchanged after the chunk was read: puts it, if this machine must. */
void tier_put(struct tier_ask *ask, const void *buf, uint32_t length);

/* Call when the chunk will not be put: other machines may put it then. */
void tier_forget(struct tier_ask *ask);

/* Call in a fork child: the work of the helpers is the parent's. So is each question, which tier_forget() frees. */
void tier_fork_child(void);
void tier_fork_ask(struct tier_ask *ask);

/* Call before the program ends: waits a moment for what is being put. */
void tier_settle(void);

#endif
