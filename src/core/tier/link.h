/* SPDX-License-Identifier: MIT */
/*
 * The way to the servers: one helper thread with a descriptor table of its own, one connection to each server,
 * made at the first need, and closed with the thread when there was nothing to do for a while. Up to LINK_DEPTH
 * commands are under way on a connection; their answers come in order, and each has its command's number.
 *
 *	WAITED -> DONE		its answer is there, or why there is none
 *	WAITED -> LEFT		nobody waits any more: the helper frees it
 *
 * Whoever waits goes when its time is over; the helper reads the late answer and drops it, so that the stream
 * stays in step. A connection whose server says nothing, or takes too long for one answer, is closed, and so is
 * one whose server says what is no answer.
 *
 * Locks: the pool's. The connections belong to the helper alone.
 */
#ifndef CORE_TIER_LINK_H
#define CORE_TIER_LINK_H

#include "core/origin/pool.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/wire.h"

#define LINK_DEPTH 8u

enum link_state { LINK_WAITED, LINK_DONE, LINK_LEFT };

struct link_call {
	struct pool_job job;
	struct link_call *next; /* the helper's */
	uint32_t state; /* futex: enum link_state */
	uint32_t server; /* number in the list */
	uint64_t begun; /* clock_mono_ns() */
	uint64_t patience; /* nanoseconds in which an answer is expected */
	bool put; /* `data` is sent behind the command */
	int32_t error; /* of a call that is DONE: 0, or why there is no answer */
	struct wire_reply reply;
	uint32_t opaque;
	uint32_t bytes; /* of `data`: to be sent, or come */
	uint32_t sent;
	uint32_t command_bytes;
	char command[WIRE_COMMAND_MAX];
	char data[WIRE_VALUE_MAX + 2]; /* with a line end behind it */
};

/* What the helper works with; before the first call. The list must last. */
void link_setup(const struct servers *servers, const struct seal_loader *loader, const uint8_t secret[SEAL_SECRET]);

/* Have the helper there: by a thread with the program's descriptors. */
void link_prepare(void);

/* Whether values can be sealed here: there is a helper, and it has loaded the library. */
bool link_ready(void);

struct link_call *link_call_new(void); /* NULL: no memory, or 32 MiB are on their way */
void link_call_free(struct link_call *call);

/* In a fork child: what its parent's helper has is none of ours. */
void link_calls_forget(void);

/* A number for a command: never 0. */
uint32_t link_number(void);

/* 0, or there is no helper: the call is the caller's still. */
int link_send(struct link_call *call);

/* The same for a call that nobody waits for: it is freed in any case. */
void link_send_off(struct link_call *call);

/* Whether it was done by `until` (clock_mono_ns()). If not, the call is not the caller's any more. */
bool link_wait(struct link_call *call, uint64_t until);

/* Nanoseconds for which the server owed something and said nothing, as the helper saw it. */
uint64_t link_silence(uint32_t server);

/* Wait for what was sent off, so long at most. */
void link_settle(uint64_t ns);

void link_fork_prepare(void);
void link_fork_parent(void);
void link_fork_child(void);

#endif
