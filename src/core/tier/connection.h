/* SPDX-License-Identifier: MIT */
/*
 * One connection to a server: what is to be sent, what was sent and has no answer yet, and as much as has come
 * of the first answer. All by the helper of link.h.
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
	int fd; /* + 1; 0: there is none */
	bool dialling;
	uint64_t dialled;
	/* to be sent: values that nobody waits for come after the questions */
	struct queue gets, puts;
	uint32_t puts_under_way;
	struct queue under_way; /* sent, in the order in which they are answered */
	uint64_t heard;		/* when the server last did something, or began to owe */
	uint64_t silent; /* nanoseconds for which it was seen to owe something; read by others */
	uint64_t lag; /* nanoseconds for which this machine stands still now and then: see link.c */
	uint32_t have; /* in `line` */
	/* bytes of the value's, and of its line end, that are to come; 0: a line is next */
	uint32_t body;
	char line[4096];
};

/* Queue a call. */
void connection_accept(struct connection *link, struct link_call *call);

/* Begin to connect. False: this process cannot, and that says nothing about the server. */
bool connection_dial(struct connection *link);

/* It is connected, or it cannot be. */
void connection_dialled(struct connection *link);

/* Send what the connection takes. */
void connection_send(struct connection *link);
bool connection_has_more(struct connection *link);

/* Take what has come. */
void connection_receive(struct connection *link);

/*
 * It was looked at, and there was nothing: calls may be late, and it is closed if that is so for too long. Only a
 * look tells: while this thread does not run, what has come lies there unseen.
 */
void connection_idle(struct connection *link);

/* Close it, and end all its calls with `error`. */
void connection_fail(struct connection *link, int error);

/* Something is under way. */
bool connection_busy(const struct connection *link);

/* The call is over: wake its waiter, or free it. */
void call_end(struct link_call *call, int error);

#endif
