/* SPDX-License-Identifier: MIT */
#include "core/tier/servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define UNIX_PREFIX "unix:"

static const char *unix_parse(const char *path, struct server *server)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&server->address;

	if (*path != '/' || strlen(path) >= sizeof(address->sun_path))
		return "has a socket's path that is not absolute, or too long";
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	server->length = sizeof(*address);
	return NULL;
}

static const char *address_set(const char *host, uint16_t port, struct server *server)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&server->address;
	struct sockaddr_in *four = (struct sockaddr_in *)&server->address;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		server->length = sizeof(*four);
	} else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		server->length = sizeof(*six);
	} else {
		return "has a host that is not an address in numbers";
	}
	return NULL;
}

static const char *host_parse(const char *text, struct server *server)
{
	const char *colon = strrchr(text, ':');
	char host[sizeof(server->text)];
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!n || port < 1 || port > UINT16_MAX || *end)
		return "has a server without a port: write HOST:PORT";
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		return address_set(host + 1, (uint16_t)port, server);
	}
	return address_set(host, (uint16_t)port, server);
}

static const char *server_parse(const char *text, size_t n, struct server *server)
{
	if (!n || n >= sizeof(server->text))
		return "has a server that is empty or too long";
	memset(server, 0, sizeof(*server));
	memcpy(server->text, text, n);
	server->name = XXH3_64bits(text, n) | 1;
	if (!strncmp(server->text, UNIX_PREFIX, strlen(UNIX_PREFIX)))
		return unix_parse(server->text + strlen(UNIX_PREFIX), server);
	return host_parse(server->text, server);
}

int servers_parse(const char *list, struct servers *servers, const char **why)
{
	servers->count = 0;
	for (;;) {
		size_t n = strcspn(list, ",");

		*why = servers->count == SERVERS_MAX ?
			       "has more than 32 servers" :
			       server_parse(list, n, &servers->server[servers->count]);
		if (*why)
			return -EINVAL;
		servers->count++;
		if (!list[n])
			return 0;
		list += n + 1;
	}
}

uint32_t servers_choose(const struct servers *servers, const uint8_t key[WIRE_KEY])
{
	uint64_t most = 0;
	uint32_t best = 0;

	for (uint32_t i = 0; i < servers->count; i++) {
		uint64_t hash = XXH3_64bits_withSeed(key, WIRE_KEY, servers->server[i].name);

		if (!i || hash > most ||
		    (hash == most && servers->server[i].name > servers->server[best].name)) {
			most = hash;
			best = i;
		}
	}
	return best;
}
