/* SPDX-License-Identifier: MIT */
/*
 * The list of servers, and which of them has a key. Rendezvous hashing: of all servers the one whose name
 * and the key give the largest hash. Who lists the same servers in another order finds the same one; a server
 * less moves its own keys only. A server that is dead keeps its keys: they are misses.
 */
#ifndef CORE_TIER_SERVERS_H
#define CORE_TIER_SERVERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/tier/wire.h"

#define SERVERS_MAX 32u

struct server {
	uint64_t name; /* hash of its words in the list, never 0 */
	char text[64];
	struct sockaddr_storage address;
	socklen_t length;
};

struct servers {
	uint32_t count;
	struct server server[SERVERS_MAX];
};

/*
 * "HOST:PORT,unix:PATH,...": hosts are numbers (IPv6 in brackets), because names are looked up by the command
 * only. 0, or -EINVAL and why.
 */
int servers_parse(const char *list, struct servers *servers, const char **why);

uint32_t servers_choose(const struct servers *servers, const uint8_t key[WIRE_KEY]);

#endif
