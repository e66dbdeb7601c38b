/* SPDX-License-Identifier: MIT */
/*
 * The way to the servers: one helper thread with a descriptor table of its own, and one connection to each server,
 * which is made when it is first needed. The helper ends, and closes them, when there was nothing to do for a
 * while. Up to LINK_DEPTH commands are under way on a connection; their answers come in order, and each has its
 * command's number.
 *
 *	PARKED -> on a connection -> answered, failed, or late: `ended` is called by the helper
 *	   ^__________________________| link_again(): it is asked once more, later
 *
 * link_send() does not wait: the caller goes on when the helper calls `ended`. A late call stays on its connection,
 * perhaps without an owner: the helper reads its answer and drops it, so that the stream stays in step. The helper
 * closes a connection whose server says nothing, takes too long for one answer, or says something that is no
 * answer.
 *
 * Locks: the pool's. The connections belong to the helper alone.
 */
#ifndef CORE_TIER_LINK_H
#define CORE_TIER_LINK_H

#include "core/origin/pool.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/wire.h"

/*
 * Questions under way on a connection, which a server answers in their order: one for each helper that reads a mount
 * (LANE_HELPERS). With fewer, helpers wait for each other; with more, the last one waits behind 2 MiB of answers.
 */
#define LINK_DEPTH 8u

struct link_call {
	struct pool_job job;
	struct link_call *next; /* used by the helper */
	uint32_t server;	/* its number in the list */
	uint8_t key[WIRE_KEY];
	/*
	 * The helper calls it when the call has its answer, or when `error` tells why there is none; then the call
	 * belongs to the callee. `call` NULL: the call is late. If the callee returns true then, it is called once
	 * more at the end of the call: with NULL again if `over` was set meanwhile, and then the call belongs to
	 * the helper. For a call without an owner the helper calls nothing, and frees it.
	 */
	bool (*ended)(void *owner, struct link_call *call);
	const bool *over;
	bool raced; /* `ended` has returned true */
	void *owner;
	const bool *unwanted; /* or NULL; true: the owner needs no answer any more */
	bool lease;	      /* it may win a lease: it is parked while enough of them are in use */
	uint64_t at;	      /* parked until then: clock_mono_ns() */
	uint64_t begun;	      /* when it was given to its connection, or sent: clock_mono_ns() */
	uint64_t patience;    /* nanoseconds in which an answer is expected; 0: nobody waits */
	uint64_t share;	      /* additional nanoseconds for each call before it */
	uint64_t watched;     /* the same by attention_ns() */
	uint64_t late;	      /* when it is late: attention_ns() */
	/* number of calls on connections when it came there, itself included: they share the time */
	uint32_t depth;
	bool put;      /* `data` is sent behind the command */
	int32_t error; /* when it has ended: 0, or why there is no answer */
	struct wire_reply reply;
	uint32_t opaque;
	uint32_t bytes; /* of `data`: to be sent, or received */
	uint32_t sent;
	uint32_t command_bytes;
	char command[WIRE_COMMAND_MAX];
	char data[WIRE_VALUE_MAX + 2]; /* with a line end behind it */
};

/* Leases that this process has won and whose chunks it has not read yet. */
extern uint32_t link_leases;

/* Chunks that this process waits for because other machines fetch them. */
extern uint32_t link_waits;

/* Set what the helper works with. Must be called before the first call. The list must last. */
void link_setup(const struct servers *servers, const struct seal_loader *loader,
		const uint8_t secret[SEAL_SECRET]);

/* The helper's socket_network(), once there was one. */
extern uint64_t link_network;

/* Make the helper, if there is none. For a thread with the program's descriptors. */
void link_prepare(void);

/*
 * Whether values can be sealed here: there is a helper, and it has loaded the library. Waits for up to `ns`
 * for that.
 */
bool link_ready(uint64_t ns);

/*
 * Make a call with a number of its own, no owner, and all fields zero except `data`. NULL: no memory, or 32
 * MiB are under way.
 */
struct link_call *link_call_new(uint32_t server);
void link_call_free(struct link_call *call);

/* Free the memory that is kept for the next calls. */
void link_calls_trim(void);

/* Call in a fork child: the calls of its parent's helper are not its own. */
void link_calls_forget(void);

/* Send a call. 0; or -errno: there is no helper, and the call still belongs to the caller. */
int link_send(struct link_call *call);

/* For use in `ended`: send the call again at `at` (clock_mono_ns()). The callee must not touch it any more. */
void link_again(struct link_call *call, uint64_t at);

/*
 * For the helper: link_park() lets a call wait for its time; link_parked_take() takes all of them;
 * link_parked() tells whether there are any.
 */
void link_park(struct link_call *call);
struct link_call *link_parked_take(void);
bool link_parked(void);

/* Nanoseconds for which the server has owed an answer and said nothing, as the helper saw it. */
uint64_t link_silence(uint32_t server);

/*
 * Whether this process could not make a connection to the server a moment ago, for reasons of its own. A socket
 * file that is not there counts as one: this process may be in a container.
 */
bool link_barred(uint32_t server);

/* Wait until all that was sent is done, for at most `ns`. */
void link_settle(uint64_t ns);

void link_fork_prepare(void);
void link_fork_parent(void);
void link_fork_child(void);

#endif
