/* SPDX-License-Identifier: MIT */
/*
 * The command's checks of the tier: whether the variables are right, and whether each server does what it
 * should.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/tier/breaker.h"
#include "core/tier/link.h"
#include "core/tier/setup.h"
#include "core/tier/socket.h"

/* A first packet that is lost is sent again after a second (RFC 6298). A user looks on: not longer than twice that. */
#define PATIENCE_NS UINT64_C(2000000000)
#define SLICE_NS 100000000	 /* between two looks at the clock */
#define VALUE_BYTES (256u << 10) /* a chunk */

/* One connection, over which questions are asked in turn. */
struct check {
	int fd;
	bool under_way;
	uint64_t end; /* clock_mono_ns() */
	struct link_call *call;
	const char *why; /* of a failure */
};

static bool check_sleep(struct check *check, bool to_write)
{
	struct socket_wait wait = socket_waits(check->fd, to_write);

	socket_sleep(&wait, 1, SLICE_NS);
	if (clock_mono_ns() < check->end)
		return true;
	check->why = "it says nothing";
	return false;
}

static bool check_send(struct check *check, const char *text, size_t n, size_t data_bytes)
{
	size_t sent = 0;

	while (sent < n + data_bytes) {
		ssize_t got = socket_send(check->fd, text, n, check->call->data, data_bytes, sent);

		if (got > 0)
			sent += (size_t)got;
		else if (got != -EAGAIN) {
			check->why = "it closed the connection";
			return false;
		} else if (!check_sleep(check, true)) {
			return false;
		}
	}
	return true;
}

/* Receive until `n` bytes are in `to` or, with `n` 0, a line. Returns their number, 0 on failure. */
static size_t check_receive(struct check *check, char *to, size_t room, size_t n)
{
	size_t have = 0;

	while (n ? have < n : !have || to[have - 1] != '\n') {
		ssize_t got = have < room ? socket_receive(check->fd, to + have, n ? n - have : 1) :
					    0;

		if (got > 0)
			have += (size_t)got;
		else if (got != -EAGAIN) {
			check->why = "it closed the connection";
			return 0;
		} else if (!check_sleep(check, false)) {
			return 0;
		}
	}
	return have;
}

/* Send `command` and read the answer; a value goes to check->call->data. */
static bool check_ask(struct check *check, size_t n, size_t data_bytes, struct wire_reply *reply)
{
	struct link_call *call = check->call;
	char line[WIRE_LINE_MAX];
	size_t have;

	if (!check_send(check, call->command, n, data_bytes))
		return false;
	have = check_receive(check, line, sizeof(line), 0);
	if (!have)
		return false;
	if (wire_parse(line, have, reply) <= 0) {
		check->why = "it is no memcached 1.6, or wants a login";
		return false;
	}
	if (reply->kind == WIRE_VALUE &&
	    !check_receive(check, call->data, sizeof(call->data), reply->bytes + 2))
		return false;
	return true;
}

static bool check_dial(struct check *check, const struct server *server)
{
	int error = 0;

	check->fd = socket_dial(&server->address, server->length, &check->under_way);
	if (check->fd < 0)
		error = check->fd;
	else if (check->under_way)
		error = check_sleep(check, true) ? socket_error(check->fd) : -ETIMEDOUT;
	if (error)
		check->why = error == -ECONNREFUSED ? "nothing listens there" :
						      "it cannot be reached";
	return !error;
}

/* Put a sealed value, and get it back. */
static bool check_value(struct check *check, const uint8_t key[WIRE_KEY], const char *plain,
			char *opened)
{
	struct link_call *call = check->call;
	struct wire_reply reply;
	size_t n = wire_put(call->command, key, 1, VALUE_BYTES + SEAL_MORE, 60);

	if (!seal_close(key, plain, VALUE_BYTES, call->data)) {
		check->why = "there is no randomness";
		return false;
	}
	memcpy(call->data + VALUE_BYTES + SEAL_MORE, "\r\n", 2);
	if (!check_ask(check, n, VALUE_BYTES + SEAL_MORE + 2, &reply))
		return false;
	if (reply.kind != WIRE_STORED) {
		check->why =
			"it does not take 256 KiB: give it more memory (-m), or items of 512 KiB (-I)";
		return false;
	}
	if (!check_ask(check, wire_get(call->command, key, 2, 0), 0, &reply))
		return false;
	if (reply.kind == WIRE_VALUE && reply.bytes == VALUE_BYTES + SEAL_MORE &&
	    seal_open(key, call->data, VALUE_BYTES, opened) && !memcmp(plain, opened, VALUE_BYTES))
		return true;
	check->why = "what was put there does not come back";
	return false;
}

/* Exchange a value whose key every machine knows, but which only those with the secret can open. */
static bool check_secret(struct check *check, const struct setup *setup)
{
	struct link_call *call = check->call;
	uint8_t key[WIRE_KEY] = "rawcache?secret";
	struct wire_reply reply;
	char text[64];

	memcpy(key + 8, &setup->name[0].hash, sizeof(setup->name[0].hash));
	if (!check_ask(check, wire_get(call->command, key, 3, 0), 0, &reply))
		return false;
	if (reply.kind == WIRE_VALUE) {
		if (reply.bytes == sizeof(text) + SEAL_MORE &&
		    seal_open(key, call->data, sizeof(text), text))
			return true;
		check->why = "others use this data set with another secret: "
			     "compare RAWCACHE_TIER_KEY and RAWCACHE_TIER_NAME";
		return false;
	}
	memset(text, 0, sizeof(text));
	if (!seal_close(key, text, sizeof(text), call->data))
		return true;
	memcpy(call->data + sizeof(text) + SEAL_MORE, "\r\n", 2);
	return check_ask(check, wire_put(call->command, key, 4, sizeof(text) + SEAL_MORE, 0),
			 sizeof(text) + SEAL_MORE + 2, &reply);
}

static void check_server(struct check *check, const struct setup *setup, uint32_t n, char *buf)
{
	static const char name[] = "rawcache tier check";
	uint8_t key[WIRE_KEY];

	seal_name(key, name, sizeof(name));
	check->end = clock_mono_ns() + PATIENCE_NS;
	if (check_dial(check, &setup->servers.server[n]) &&
	    check_value(check, key, buf, buf + VALUE_BYTES))
		check_secret(check, setup);
	if (check->fd >= 0)
		sys_close(check->fd);
}

int rawcache_tier_allowed(const struct rawcache_options *options, const char **why)
{
	static large_table struct setup setup;

	return setup_read(options, &setup, why);
}

int rawcache_tier_check(const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server)
{
	static large_table struct setup setup;
	struct check check = { .fd = -1 };
	uint64_t begun;
	char *buf;
	int err = setup_read(options, &setup, &server->why);

	if (err)
		return err;
	if (n >= setup.servers.count)
		return -ENOENT;
	snprintf(server->name, sizeof(server->name), "%s", setup.servers.server[n].text);
	server->why = "libsodium.so.23 is not there: install libsodium23";
	if (seal_load(&setup.loader, setup.secret))
		return -ENOSYS;
	check.call = link_call_new(0);
	buf = memory_map(2 * VALUE_BYTES);
	begun = clock_mono_ns();
	if (check.call && buf)
		check_server(&check, &setup, n, buf);
	server->took_ns = clock_mono_ns() - begun;
	server->why = check.why;
	if (buf)
		memory_unmap(buf, 2 * VALUE_BYTES);
	if (check.call)
		link_call_free(check.call);
	return 0;
}

/* Milliseconds until the server is used again. */
static uint64_t switch_left(const struct tier_switch *breaker)
{
	uint64_t until = load_relaxed(&breaker->until);
	uint64_t now = clock_coarse_ms();

	return until > now ? until - now : 0;
}

int rawcache_tier_state(struct rawcache *cache, const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server)
{
	static large_table struct setup setup;
	static const struct tier_server unknown;
	const struct tier_server *known;
	const struct tier_state *state;
	int err = setup_read(options, &setup, &server->why);

	if (err)
		return err;
	if (n >= setup.servers.count)
		return -ENOENT;
	if (!cache->runtime.header)
		return -EACCES;
	state = &cache->runtime.header->tier;
	known = breaker_find(state, setup.servers.server[n].name, socket_network());
	if (!known)
		known = &unknown;
	snprintf(server->name, sizeof(server->name), "%s", setup.servers.server[n].text);
	server->why = NULL;
	server->failed = load_relaxed(&known->asked.level);
	server->left_ms = switch_left(&known->asked);
	server->leases_left_ms = switch_left(&known->leases);
	server->answer_us = load_relaxed(&known->answer_us);
	server->error = load_relaxed(&known->error);
	server->late = load_relaxed(&known->asked.late);
	server->differing = 0;
	for (uint32_t i = 0; i < setup.names; i++)
		server->differing += differing(state, setup.name[i].hash);
	return 0;
}
