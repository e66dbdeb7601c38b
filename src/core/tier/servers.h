/* SPDX-License-Identifier: MIT */
/*
 * The list of servers, and which of them stores a key. Rendezvous hashing: the server whose name gives the
 * largest hash together with the key. Machines that list the same servers in another order find the same
 * one; when a server is removed, only its own keys move. A dead server keeps its keys: they are misses.
 */
#ifndef CORE_TIER_SERVERS_H
#define CORE_TIER_SERVERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/tier/wire.h"

#define SERVERS_MAX \
	32u /* the segment has the state of two such lists, or of one in two networks: TIER_SERVERS */

struct server {
	uint64_t name; /* hash of its text in the list, never 0 */
	char text[64];
	struct sockaddr_storage address;
	socklen_t length;
};

struct servers {
	uint32_t count;
	struct server server[SERVERS_MAX];
};

/*
 * Parse "HOST:PORT,unix:PATH,...". A host must be a number (IPv6 in brackets): only the command looks names
 * up. 0, or -EINVAL with *why.
 */
int servers_parse(const char *list, struct servers *servers, const char **why);

uint32_t servers_choose(const struct servers *servers, const uint8_t key[WIRE_KEY]);

#endif
