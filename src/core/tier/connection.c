/* SPDX-License-Identifier: MIT */
#include "core/tier/attention.h"
#include "core/tier/connection.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/tier/socket.h"

/*
 * Who waits is told long before; a machine that has more to do than processors stands still for a part of this,
 * and all that is under way on a connection is lost with it.
 */
#define SILENCE_MIN_NS (UINT64_C(500) * 1000000)
#define ANSWER_MIN_NS (UINT64_C(100) * 1000000)
#define DIAL_NS (UINT64_C(500) * 1000000)
/* At most this many values are sent before their answers. */
#define PUT_DEPTH 2u

static void queue_put(struct queue *queue, struct link_call *call)
{
	call->next = NULL;
	if (queue->last)
		queue->last->next = call;
	else
		queue->first = call;
	queue->last = call;
	queue->count++;
}

static struct link_call *queue_take(struct queue *queue)
{
	struct link_call *call = queue->first;

	if (!call)
		return NULL;
	queue->first = call->next;
	if (!queue->first)
		queue->last = NULL;
	queue->count--;
	return call;
}

/* Return a lease whose caller is gone: others must not wait for it. */
static void lease_return(struct link_call *call)
{
	call->lease = false;
	call->patience = call->share = 0;
	call->bytes = 0;
	call->reply.won = false;
	call->command_bytes = (uint32_t)wire_remove(call->command, call->key, call->opaque);
	link_again(call, 0);
}

void call_end(struct link_call *call, int error)
{
	call->error = error;
	if (call->owner)
		call->ended(call->owner, call);
	else if (!error && call->reply.won)
		lease_return(call);
	else
		link_call_free(call);
}

/* Close it, and end all its calls with `error`. */
static void connection_fail(struct connection *link, int error)
{
	struct link_call *call;

	if (link->fd)
		sys_close(link->fd - 1);
	link->fd = 0;
	link->dialling = false;
	link->have = link->body = 0;
	link->puts_under_way = 0;
	link->given = link->value_end = link->taken = 0;
	store_relaxed(&link->silent, 0);
	while ((call = queue_take(&link->under_way)) || (call = queue_take(&link->gets)) ||
	       (call = queue_take(&link->puts)))
		call_end(call, error);
}

int connection_dial(struct connection *link)
{
	bool under_way;
	int fd = socket_dial(&link->server->address, link->server->length, &under_way);

	if (fd < 0) {
		bool own = socket_own_error(fd);

		connection_fail(link, own ? -ENOTCONN : fd);
		return own ? fd : 0;
	}
	link->fd = fd + 1;
	link->dialling = under_way;
	link->dialled = link->heard = attention_ns();
	return 0;
}

void connection_dialled(struct connection *link)
{
	int error = socket_error(link->fd - 1);

	if (error)
		connection_fail(link, error);
	else
		link->dialling = false;
	link->heard = attention_ns();
}

static bool call_needless(const struct link_call *call)
{
	return load_relaxed(call->unwanted) || (call->raced && load_acquire(call->over));
}

static uint32_t call_bytes(const struct link_call *call)
{
	return call->command_bytes + (call->put ? call->bytes + 2 : 0);
}

/* The queue whose first call is to be sent now, or NULL. A call that was begun is finished first. */
static struct queue *link_next(struct connection *link)
{
	if (link->under_way.count >= LINK_DEPTH)
		return NULL;
	if (link->puts.first && link->puts.first->sent)
		return &link->puts;
	if (link->gets.first)
		return &link->gets;
	return link->puts.first && link->puts_under_way < PUT_DEPTH ? &link->puts : NULL;
}

/* Send as much of the first call as the connection takes. Returns false if it takes no more. */
static bool call_send(struct connection *link, struct queue *queue)
{
	struct link_call *call = queue->first;
	ssize_t n;

	/* it was not begun, and nobody waits for it any more */
	if (!call->sent && call->patience && (!call->owner || call_needless(call))) {
		call_end(queue_take(queue), -ECANCELED);
		return true;
	}
	n = socket_send(link->fd - 1, call->command, call->command_bytes, call->data,
			call_bytes(call) - call->command_bytes, call->sent);
	if (n < 0) {
		if (n != -EAGAIN)
			connection_fail(link, (int)n);
		return false;
	}
	if (!link->under_way.count || !call->sent) {
		call->begun = clock_mono_ns();
		call->watched = attention_ns();
	}
	if (!link->under_way.count)
		link->heard = attention_ns();
	call->sent += (uint32_t)n;
	link->given += n;
	if (call->put)
		link->value_end = link->given;
	if (call->sent < call_bytes(call))
		return false;
	link->puts_under_way += call->put;
	queue_put(&link->under_way, queue_take(queue));
	return true;
}

void connection_send(struct connection *link)
{
	struct queue *queue;

	while (link->fd && (queue = link_next(link)))
		if (!call_send(link, queue))
			return;
}

bool connection_has_more(struct connection *link)
{
	return link_next(link);
}

/* The first call has its answer. */
static void call_answered(struct connection *link)
{
	struct link_call *call = queue_take(&link->under_way);

	link->puts_under_way -= call->put;
	call_end(call, 0);
}

/* Remove the first `n` bytes of `line`. */
static void line_skip(struct connection *link, uint32_t n)
{
	link->have -= n;
	memmove(link->line, link->line + n, link->have);
}

/* Move bytes of the value out of `line`. */
static void body_take(struct connection *link, struct link_call *call)
{
	uint32_t n = link->have < link->body ? link->have : link->body;

	memcpy(call->data + (call->bytes + 2 - link->body), link->line, n);
	link->body -= n;
	line_skip(link, n);
}

static bool body_ended(const struct link_call *call)
{
	return !memcmp(call->data + call->bytes, "\r\n", 2);
}

/* Take an answer's line. 1: taken; 0: it is not complete yet; or -EPROTO. */
static int line_take(struct connection *link, struct link_call *call)
{
	int n = wire_parse(link->line, link->have, &call->reply);

	if (n <= 0)
		return n;
	if (call->reply.opaque ? call->reply.opaque != call->opaque :
				 call->reply.kind != WIRE_REFUSED)
		return -EPROTO;
	if (call->put && call->reply.kind == WIRE_VALUE)
		return -EPROTO;
	line_skip(link, (uint32_t)n);
	if (call->reply.kind == WIRE_VALUE) {
		call->bytes = call->reply.bytes;
		link->body = call->bytes + 2;
	}
	return 1;
}

/* Take all that has arrived. 0 or -EPROTO. */
static int link_take(struct connection *link)
{
	for (;;) {
		struct link_call *call = link->under_way.first;
		bool value = link->body;

		if (!call)
			return link->have ? -EPROTO : 0;
		if (!value) {
			int n = line_take(link, call);

			if (n <= 0)
				return n;
		}
		if (link->body)
			body_take(link, call);
		if (link->body)
			return 0;
		if (call->reply.kind == WIRE_VALUE && !body_ended(call))
			return -EPROTO;
		call_answered(link);
	}
}

/* Where the way to the server is slow, values take long: that is neither silence nor a slow answer. */
static void connection_moves(struct connection *link)
{
	int64_t taken;

	if (link->taken >= link->value_end)
		return;
	taken = link->given - socket_unsent(link->fd - 1);
	if (taken > link->taken)
		link->moved = attention_ns();
	link->taken = taken;
}

/* Whether the server says nothing for too long, or answers too slowly. */
static bool overdue(const struct connection *link, uint64_t now)
{
	const struct link_call *call = link->under_way.first;
	uint64_t lag = 4 * attention_lag();

	if (link->dialling)
		return now > link->dialled + DIAL_NS;
	if (!call)
		call = link->puts.first && link->puts.first->sent ? link->puts.first : NULL;
	return call &&
	       (now > max_u64(link->heard, link->moved) +
				max_u64(8 * call->patience, SILENCE_MIN_NS) + lag ||
		(!call->put && now > max_u64(call->watched, link->moved) +
					       max_u64(8 * call->patience, ANSWER_MIN_NS) + lag));
}

/*
 * When its time is over; or when the server owes answers and has said nothing for what one may take: then those before
 * it are no reason to wait for it, nor is it one that it was asked only now.
 */
static bool call_lapsed(const struct connection *link, const struct link_call *call, uint64_t now)
{
	uint64_t grace = attention_grace(call->patience);

	if (call->raced)
		return call_needless(call);
	return now >= call->late + grace || ((link->under_way.count || link->dialling) &&
					     now >= link->heard + call->patience + grace);
}

static void queue_late(struct connection *link, struct queue *queue, uint64_t now)
{
	for (struct link_call *call = queue->first; call; call = call->next) {
		void *owner = call->owner;

		if (!owner || !call_lapsed(link, call, now))
			continue;
		call->owner = NULL;
		call->raced = call->ended(owner, NULL);
		if (call->raced)
			call->owner = owner;
	}
}

static void connection_late(struct connection *link, uint64_t now)
{
	queue_late(link, &link->under_way, now);
	queue_late(link, &link->gets, now);
}

/* Must be called when all that has arrived was taken. */
static void connection_judge(struct connection *link)
{
	uint64_t now = attention_ns();

	if (overdue(link, now))
		connection_fail(link, -ETIMEDOUT);
	else
		connection_late(link, now);
}

void connection_receive(struct connection *link)
{
	store_relaxed(&link->silent, 0);
	for (;;) {
		struct link_call *call = link->under_way.first;
		bool direct = call && link->body > 2;
		ssize_t n = direct ? socket_receive(link->fd - 1,
						    call->data + (call->bytes + 2 - link->body),
						    link->body) :
				     socket_receive(link->fd - 1, link->line + link->have,
						    sizeof(link->line) - link->have);

		if (n == -EAGAIN)
			break;
		if (n > 0 && direct)
			link->body -= (uint32_t)n;
		else if (n > 0)
			link->have += (uint32_t)n;
		link->heard = attention_ns();
		if (n > 0 && direct && !link->body) {
			n = body_ended(call) ? n : -EPROTO;
			if (n > 0)
				call_answered(link);
		}
		if (n > 0)
			n = link_take(link) ? -EPROTO : n;
		if (n <= 0) {
			connection_fail(link, n ? (int)n : -ECONNRESET);
			return;
		}
	}
	connection_moves(link);
	connection_judge(link);
}

void connection_idle(struct connection *link)
{
	bool owes = link->under_way.count || link->dialling;
	uint64_t silent, lag = 4 * attention_lag();

	connection_moves(link);
	silent = attention_ns() - max_u64(link->heard, link->moved);
	store_relaxed(&link->silent, owes && silent > lag ? silent - lag : 0);
	connection_judge(link);
}

bool connection_busy(const struct connection *link)
{
	return link->dialling || link->gets.count || link->puts.count || link->under_way.count;
}

/* Calls before it may take a share of the time too: many at once take less than the sum. */
void connection_accept(struct connection *link, struct link_call *call)
{
	uint32_t before = link->gets.count + link->under_way.count;

	call->error = 0;
	call->sent = 0;
	call->begun = clock_mono_ns();
	call->watched = attention_ns();
	call->late = call->watched + call->patience + before * call->share;
	queue_put(call->put ? &link->puts : &link->gets, call);
}
