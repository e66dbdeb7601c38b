/* SPDX-License-Identifier: MIT */
/*
 * One connection to a server: what is to be sent, what was sent and has no answer yet, and the part of the
 * first answer that has arrived. Only the helper of link.h uses it.
 */
#ifndef CORE_TIER_CONNECTION_H
#define CORE_TIER_CONNECTION_H

#include "core/tier/link.h"

struct queue {
	struct link_call *first, *last;
	uint32_t count;
};

struct connection {
	const struct server *server;
	int fd; /* descriptor + 1; 0: there is none */
	bool dialling;
	uint64_t dialled; /* attention_ns(), as all times here */
	/* to be sent: values, for which nobody waits, come after the questions */
	struct queue gets, puts;
	uint32_t puts_under_way;
	struct queue under_way; /* sent, in the order of their answers */
	uint64_t heard;		/* when the server last did something, or began to owe an answer */
	/*
	 * When its kernel last took a part of a value: before the last part it can owe no answer. In bytes of this
	 * connection: all that was sent, up to the last value's end, and what was taken (less than nothing on one
	 * machine, whose kernel counts more than bytes).
	 */
	uint64_t moved;
	int64_t given, value_end, taken;
	uint64_t silent; /* ns of owing an answer and saying nothing; other threads read it */
	uint32_t have;	 /* bytes in `line` */
	/* bytes of the value and of its line end that are still to come; 0: a line is next */
	uint32_t body;
	char line[4096];
};

/* Queue a call. */
void connection_accept(struct connection *link, struct link_call *call);

/* Begin to connect. 0; or -errno: this process cannot, and that says nothing about the server. */
int connection_dial(struct connection *link);

/* Call when the connection is made, or cannot be made. */
void connection_dialled(struct connection *link);

/* Send what the connection accepts. */
void connection_send(struct connection *link);
bool connection_has_more(struct connection *link);

/* Receive what has arrived. */
void connection_receive(struct connection *link);

/*
 * Call when nothing has arrived: calls may be late, and the connection is closed if that lasts too long.
 * Only a look tells: while this thread does not run, answers lie there unseen.
 */
void connection_idle(struct connection *link);

/* Whether a call is under way. */
bool connection_busy(const struct connection *link);

/* End a call: wake its waiter, or free it. */
void call_end(struct link_call *call, int error);

#endif
