/* SPDX-License-Identifier: MIT */
#include "cli/tierlist.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rawcache/embed.h>

#include "cli/command.h"
#include "cli/say.h"
#include "cli/target.h"

#define PORT "11211" /* memcached's own */
/* Bytes: SERVERS_MAX names, as long as struct rawcache_tier_server has them. */
#define TIER_LIST 2048

/* The first address of a host, with its port. */
static int host_resolve(const char *command, const char *host, const char *port, char *to,
			size_t room)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char address[INET6_ADDRSTRLEN], service[8];
	int err = getaddrinfo(host, port, &hints, &found);
	int n;

	if (err)
		return say_usage(command, "the tier's server %s is not known: %s; give its address",
				 host, gai_strerror(err));
	err = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), service,
			  sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV);
	n = snprintf(to, room, found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", address,
		     service);
	freeaddrinfo(found);
	return err || n < 0 || (size_t)n >= room ?
		       say_usage(command, "the tier's server %s has no address; give one", host) :
		       GO_ON;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT or unix:PATH */
static int server_resolve(const char *command, char *text, char *to, size_t room)
{
	char *colon = strrchr(text, ':');
	const char *port = PORT;

	if (!strncmp(text, "unix:", 5))
		return snprintf(to, room, "%s", text) < (int)room ?
			       GO_ON :
			       say_usage(command, "%s is too long; give a shorter address", text);
	if (colon && (!strchr(colon, ']'))) {
		*colon = '\0';
		port = colon + 1;
	}
	if (*text == '[' && text[strlen(text) - 1] == ']') {
		text[strlen(text) - 1] = '\0';
		text++;
	}
	return host_resolve(command, text, port, to, room);
}

static int list_resolve(const char *command, const char *list, char *to, size_t room)
{
	size_t used = 0;

	for (;;) {
		size_t n = strcspn(list, ",");
		char text[128];
		int status;

		if (!n || n >= sizeof(text))
			return say_usage(
				command,
				"the tier's list has a server that is empty or too long: %s; write HOST:PORT,HOST:PORT",
				list);
		memcpy(text, list, n);
		text[n] = '\0';
		status = server_resolve(command, text, to + used, room - used);
		if (status != GO_ON)
			return status;
		used += strlen(to + used);
		if (!list[n])
			return GO_ON;
		list += n + 1;
		if (used + 2 > room)
			return say_usage(command,
					 "the tier's list is too long; name fewer servers");
		to[used++] = ',';
	}
}

int tierlist_take(const char *command, const char *list)
{
	char resolved[TIER_LIST];
	int status;

#ifndef ENABLE_TIER
	return say_refusal(
		"--tier: this rawcache was built without the tier (--without-tier); install one that has it");
#endif
	if (!*list)
		return say_usage(command, "--tier is empty; give it a value, or leave it out");
	status = list_resolve(command, list, resolved, sizeof(resolved));
	if (status != GO_ON)
		return status;
	return setenv("RAWCACHE_TIER", resolved, 1) ? say_memory() : GO_ON;
}

int tierlist_allowed(const struct config *config)
{
	struct rawcache_options options;
	const char *why;

	target_options(config, &options);
	if (!options.tier || options.tier_mode == RAWCACHE_TIER_OFF ||
	    !rawcache_tier_allowed(&options, &why))
		return GO_ON;
	return tierlist_refused(why);
}

int tierlist_refused(const char *why)
{
	return say_refusal("RAWCACHE_TIER is refused: %s; correct it or unset it", why);
}
