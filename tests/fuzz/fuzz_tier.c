/* SPDX-License-Identifier: MIT */
/* What a server of the tier may send: the lines alone, and all of it on a connection with questions under way. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/tier/connection.h"
#include "core/tier/wire.h"
#include "fuzz.h"

#define CALLS 6u

static void lines(const char *text, size_t n)
{
	struct wire_reply reply;
	int taken;

	while ((taken = wire_parse(text, n, &reply)) > 0) {
		if ((size_t)taken > n || taken > (int)WIRE_LINE_MAX || reply.bytes > WIRE_VALUE_MAX)
			abort();
		text += taken;
		n -= (size_t)taken;
	}
}

/* As connection.c has sent them: the numbers 1, 2, ...; the third is a value that was put. */
static void calls_put(struct connection *link)
{
	for (uint32_t i = 0; i < CALLS; i++) {
		struct link_call *call = link_call_new(0);

		if (!call)
			return;
		/* nobody waits: leases that are won go back */
		call->opaque = i + 1;
		call->put = i == 2;
		call->bytes = call->put ? 1000 : 0;
		if (link->under_way.last)
			link->under_way.last->next = call;
		else
			link->under_way.first = call;
		link->under_way.last = call;
		link->under_way.count++;
		link->puts_under_way += call->put;
	}
}

static void parked_free(void)
{
	struct link_call *call = link_parked_take();

	while (call) {
		struct link_call *next = call->next;

		link_call_free(call);
		call = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct server server = { .name = 1 };
	struct connection link = { .server = &server };
	int ends[2];

	lines((const char *)data, n);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return 0;
	link.fd = ends[0] + 1;
	calls_put(&link);
	for (size_t at = 0; at < n && link.fd;) {
		/* in pieces of any size */
		size_t piece = 1 + data[at] % 97;

		if (piece > n - at)
			piece = n - at;
		if (write(ends[1], data + at, piece) != (ssize_t)piece)
			break;
		at += piece;
		connection_receive(&link);
		if (link.under_way.count > CALLS || link.have > sizeof(link.line))
			abort();
	}
	close(ends[1]);
	if (link.fd)
		connection_receive(&link);
	parked_free();
	if (link.fd || link.under_way.count)
		abort(); /* the other end is closed: so is ours, and nobody waits */
	return 0;
}
